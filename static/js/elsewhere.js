/**
 * What was done elsewhere, in the viewer, in another tab or on another device, comes into the gallery: cells, hearts and
 * numbers. Messages tell what happens; after each connection the page asks, for what happened without one was not told.
 */

import { post } from './api.js';
import { MOST_IDS, moment } from './changes.js';
import { setCounts } from './counts.js';
import { isMarked, setHeart } from './hearts.js';
import { bringBack, lift, lifted } from './lifting.js';

const PATIENCE = 200; // milliseconds: changes come in flocks

export class Elsewhere {
  #timer = null;
  #isWhole = false; // whether the next question is about the cells, too

  /** @param {HTMLElement} root  @param {Function} changed is told when cells have come or gone */
  constructor(root, changed) {
    Object.assign(this, { root, changed });
    this.album = root.querySelector('.album')?.dataset.album;
    this.isBin = root.matches('.gallery--bin');
    document.addEventListener('changed', ({ detail }) => this.ask({ whole: detail.failed }));
  }

  hear(message) {
    if (message.type === 'snapshot') this.ask({ whole: true });
    if (message.type === 'images') {
      const [gone, come] = [message.deleted, message.restored];
      this.#move(...(this.isBin ? [come, gone] : [gone, come]));
    }
    if (message.type === 'favourites') for (const cell of this.#cells(message.ids)) this.#mark(cell, message.favourite);
    if (['images', 'favourites'].includes(message.type)) this.ask();
  }

  /** Ask soon for the numbers; as a `whole` for the cells, too. */
  ask({ whole = false } = {}) {
    this.#isWhole ||= whole;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      // The page's own change is ahead of the server: its end asks again.
      if (moment() !== null) this.#look().catch(() => {}); // the next connection asks again
    }, PATIENCE);
  }

  async #look() {
    const before = moment();
    const shown = [...this.root.querySelectorAll('.cell')].map((cell) => cell.dataset.id);
    const ids = this.#isWhole ? [...shown, ...lifted()] : [];
    this.#isWhole = false;
    for (let start = 0; start === 0 || start < ids.length; start += MOST_IDS) {
      const asked = ids.slice(start, start + MOST_IDS);
      const told = await post('images/whereabouts', { ids: asked, album: this.album });
      if (moment() !== before) { // a change of the page's own has begun since
        this.#isWhole ||= ids.length > 0;
        return;
      }
      this.#arrange(asked, told);
    }
  }

  #arrange(ids, told) {
    const here = new Set(this.isBin ? told.in_bin : told.kept);
    this.#move(ids.filter((id) => !here.has(id)), [...here]);
    const favourites = new Set(told.favourites);
    if (!this.isBin) for (const cell of this.#cells([...here])) this.#mark(cell, favourites.has(cell.dataset.id));
    setCounts(told.totals, this.album);
  }

  #move(gone, come) {
    lift(this.#cells(gone));
    bringBack(come);
    this.changed();
  }

  #mark(cell, on) {
    if (isMarked(cell) !== on) setHeart(cell, on);
  }

  /** Those of the pictures `ids` that are shown. */
  #cells(ids) {
    const wanted = new Set(ids);
    return wanted.size ? [...this.root.querySelectorAll('.cell')].filter((cell) => wanted.has(cell.dataset.id)) : [];
  }
}
