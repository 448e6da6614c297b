/** The picture to start from: chosen, dropped onto its field, or one's own by its id; and how far to go from it. */

import { Problem, upload } from './api.js';
import { show, write } from './dom.js';
import { announce, toast } from './toast.js';
import { percent } from './words.js';

export class Start {
  #reference = '';
  #newest = 0;

  /** @param {HTMLFormElement} form  @param {Function} onChange  Without its field in the form there is never a start. */
  constructor(form, onChange) {
    this.field = form.querySelector('[data-start]');
    this.onChange = onChange;
    if (!this.field) return;
    const find = (name) => this.field.querySelector(`[data-start-${name}]`);
    Object.assign(this, { choose: find('choose'), picker: find('file'), chosen: find('chosen'), picture: find('picture') });
    this.strength = form.elements.strength;
    this.output = find('strength');
    this.choose.addEventListener('click', () => this.picker.click());
    this.picker.addEventListener('change', () => {
      if (this.picker.files.length) this.bring(this.picker.files[0]);
      this.picker.value = ''; // the same file may be chosen again
    });
    find('remove').addEventListener('click', () => {
      this.remove();
      this.choose.focus();
    });
    this.strength.addEventListener('input', () => this.#show());
    this.#show();
  }

  /** What a request says of it. */
  get values() {
    return this.#reference ? { init_image: this.#reference, strength: Number(this.strength.value) } : {};
  }

  /** Of so many steps, those that are drawn: the server leaves out the first. */
  drawnOf(steps) {
    return this.#reference ? steps - Math.floor(Math.max(steps - steps * this.strength.value, 0)) : steps;
  }

  async bring(file) {
    const turn = ++this.#newest;
    this.choose.setAttribute('aria-busy', 'true');
    try {
      if (file.size > Number(this.picker.dataset.largest)) {
        throw new Problem({ detail: gettext('This file is too large for a picture.') });
      }
      const { id } = await upload('inputs', file);
      if (turn === this.#newest) this.use(id, `/api/v1/inputs/${id}/file`);
    } catch (problem) {
      if (turn === this.#newest) toast(problem.message, { seconds: 8 });
    } finally {
      if (turn === this.#newest) this.choose.removeAttribute('aria-busy');
    }
  }

  use(reference, address) {
    if (!this.field) return;
    this.#reference = reference;
    this.picture.src = address;
    this.#show();
    this.field.scrollIntoView({ block: 'nearest' });
    announce(gettext('New pictures start from the one you chose.'));
  }

  useImage(id) {
    this.use(`image:${id}`, `/api/v1/images/${id}/thumbnail?size=256`);
  }

  remove() {
    this.#newest += 1;
    this.#reference = '';
    this.picture.removeAttribute('src');
    this.#show();
  }

  #show() {
    const { min, max, value } = this.strength;
    show(this.chosen, this.#reference);
    show(this.choose, !this.#reference);
    write(this.output, percent(value * 100));
    this.strength.style.setProperty('--fill', `${((value - min) / (max - min)) * 100}%`);
    this.onChange();
  }
}
