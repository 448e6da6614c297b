/** Which part of the picture to start from is drawn anew: painted in a dialog, kept by the server, told to requests. */

import { isGone, upload } from './api.js';
import { show, write } from './dom.js';
import { Painting } from './painting.js';
import { announce, toast } from './toast.js';
import { percent } from './words.js';

const SIDES = ['x', 'y', 'width', 'height']; // of a rectangle

export class Mask {
  #reference = '';
  #turn = 0; // of opening the painter: what belongs to an earlier one is not wanted any more
  #marks = []; // of the mask that is set
  #picture = ''; // the whole picture that is painted over

  /** @param {HTMLElement} field where it is said whether there is a mask  @param {Function} onChange */
  constructor(field, onChange) {
    this.onChange = onChange;
    const dialog = document.getElementById('painter');
    const find = (name) => dialog.querySelector(`[data-paint-${name}]`);
    Object.assign(this, { dialog, find, set: field.querySelector('[data-mask-set]') });
    this.opener = field.querySelector('[data-mask-paint]');
    this.size = find('size');
    this.image = find('picture');
    this.painting = new Painting(find('canvas'), {
      brush: () => ({ size: this.size.value / 100, erase: find('erase').checked }),
      changed: () => this.#tell(),
    });
    this.opener.addEventListener('click', () => this.#open());
    field.querySelector('[data-mask-remove]').addEventListener('click', () => {
      this.#take('', []);
      this.opener.focus();
    });
    this.#listen();
  }

  get values() {
    return this.#reference ? { mask: this.#reference } : {};
  }

  /** The picture to start from is another one now; `reference` is a mask that was made for it before. */
  reset(address, reference = '') {
    this.#picture = address;
    this.#take(reference, reference ? [{ kind: 'mask', picture: this.#kept(reference) }] : []);
  }

  #kept(reference) {
    const picture = new Image();
    picture.addEventListener('error', async () => {
      if (!await isGone(picture.src) || this.#reference !== reference) return;
      this.#take('', []);
      toast(gettext('The mask is no longer there.'));
    });
    picture.src = `/api/v1/inputs/${reference}/file`;
    return picture;
  }

  #take(reference, marks) {
    this.#reference = reference;
    this.#marks = marks;
    show(this.set, reference);
    this.onChange();
  }

  #listen() {
    const on = (name, action) => this.find(name).addEventListener('click', action);
    on('undo', () => this.painting.undo());
    on('clear', () => this.painting.clear());
    on('add', () => this.#addRectangle());
    on('cancel', () => this.dialog.close());
    this.dialog.addEventListener('close', () => { this.#turn += 1; });
    on('done', () => this.#done());
    this.size.addEventListener('input', () => this.#showSize());
    this.dialog.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.stopPropagation(); // Ctrl+Enter asks for pictures elsewhere
      if (event.target.closest('[data-paint-sides]') && event.target.matches('input')) {
        event.preventDefault();
        this.#addRectangle();
      }
    });
  }

  async #open() {
    this.#problem('');
    this.opener.setAttribute('aria-busy', 'true');
    try {
      if (this.image.getAttribute('src') !== this.#picture) this.image.src = this.#picture;
      const kept = this.#marks.filter(({ kind }) => kind === 'mask').map(({ picture }) => picture);
      await Promise.all([this.image, ...kept].map((image) => image.decode()));
    } catch {
      toast(gettext('This picture cannot be shown. Choose it again.'));
      return;
    } finally {
      this.opener.removeAttribute('aria-busy');
    }
    this.find('done').ariaDisabled = null;
    const { naturalWidth: width, naturalHeight: height } = this.image;
    this.find('canvas').parentElement.style.setProperty('--ratio', width / height);
    this.dialog.showModal();
    this.painting.open(width, height, this.#marks);
    this.#showSize();
    for (const [index, name] of SIDES.entries()) {
      const most = index % 2 ? height : width;
      Object.assign(this.#side(name), { max: most, value: index < 2 ? 0 : most });
    }
  }

  async #done() {
    const button = this.find('done');
    if (button.ariaDisabled === 'true') return;
    button.ariaDisabled = 'true';
    const [picture, turn] = [this.#picture, this.#turn];
    try {
      const { marks } = this.painting;
      const file = await this.painting.file();
      const reference = file ? (await upload('inputs', file)).id : '';
      if (picture !== this.#picture || turn !== this.#turn) return; // another one was dropped, or it was called off
      this.#take(reference, marks);
      this.dialog.close();
      announce(reference ? gettext('Only the painted part is drawn anew.') : gettext('The whole picture is drawn anew.'));
    } catch (problem) {
      if (turn === this.#turn) this.#problem(problem.message);
    } finally {
      if (turn === this.#turn) button.ariaDisabled = null;
    }
  }

  #side(name) {
    return this.dialog.querySelector(`[name="paint-${name}"]`);
  }

  #addRectangle() {
    const sides = SIDES.map((name) => this.#side(name));
    if (sides.every((side) => side.reportValidity())) this.painting.rectangle(...sides.map((side) => Number(side.value)));
  }

  #showSize() {
    const { min, max, value } = this.size;
    this.size.style.setProperty('--fill', `${((value - min) / (max - min)) * 100}%`);
    write(this.find('size-told'), percent(value));
  }

  #tell() {
    const share = Math.round(this.painting.share * 100);
    write(this.find('share'), interpolate(gettext('%s of the picture is painted.'), [percent(share)]));
  }

  #problem(text) {
    write(this.find('problem'), text);
    show(this.find('problem'), text);
  }
}
