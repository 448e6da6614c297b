/** The picture to start from: chosen, dropped onto its field, or one's own by its id; and how far to go from it. */

import { isGone, Problem, upload } from './api.js';
import { show, write } from './dom.js';
import { Mask } from './mask.js';
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
    this.inSummary = form.querySelector('[data-summary-start]');
    this.mask = new Mask(this.field, onChange);
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
    this.picture.addEventListener('error', async () => {
      const reference = this.#reference;
      if (!await isGone(this.picture.src) || reference !== this.#reference) return;
      this.remove();
      toast(gettext('The picture to start from is no longer there.'));
    });
    this.#show();
  }

  /** What a request says of it. */
  get values() {
    if (!this.#reference) return {};
    return { init_image: this.#reference, strength: Number(this.strength.value), ...this.mask.values };
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
      if (turn === this.#newest) this.use(id);
    } catch (problem) {
      if (turn === this.#newest) toast(problem.message, { seconds: 8 });
    } finally {
      if (turn === this.#newest) this.choose.removeAttribute('aria-busy');
    }
  }

  /** @param {string} reference as requests name it  @param {string} mask one that was made for it */
  use(reference, mask = '') {
    if (!this.field) return;
    const [id, isImage] = [reference.replace('image:', ''), reference.startsWith('image:')];
    const file = `/api/v1/${isImage ? 'images' : 'inputs'}/${id}/file`;
    this.#take(reference);
    this.picture.src = this.inSummary.src = isImage ? `/api/v1/images/${id}/thumbnail?size=256` : file;
    this.mask.reset(file, mask);
    this.#show();
    this.field.scrollIntoView({ block: 'nearest' });
    announce(gettext('New pictures start from the one you chose.'));
  }

  /** What pictures were drawn from that are to be drawn again; without a start there is none afterwards. */
  fill({ init_image: reference, strength, mask }) {
    if (!this.field) return;
    if (!reference) {
      this.remove();
      return;
    }
    if (strength !== undefined) this.strength.value = strength;
    this.use(reference, mask ?? '');
  }

  remove() {
    this.#take('');
    for (const picture of [this.picture, this.inSummary]) picture.removeAttribute('src');
    this.mask.reset('');
    this.#show();
  }

  #take(reference) {
    this.#newest += 1; // what is still being brought comes too late
    this.choose.removeAttribute('aria-busy');
    this.#reference = reference;
  }

  #show() {
    const { min, max, value } = this.strength;
    show(this.chosen, this.#reference);
    show(this.choose, !this.#reference);
    show(this.inSummary, this.#reference);
    write(this.output, percent(value * 100));
    this.strength.style.setProperty('--fill', `${((value - min) / (max - min)) * 100}%`);
    this.onChange();
  }
}
