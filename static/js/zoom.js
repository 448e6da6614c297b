/** The picture of the viewer enlarged: how much, and which part of it is seen. At 1 the whole picture fits its stage. */

import { attribute } from './dom.js';
import { announce } from './toast.js';
import { percent } from './words.js';

const CLEARLY = 1.5; // so much larger is seen at a glance
const STRIDE = 96; // pixels

const within = (value, most) => Math.max(-most, Math.min(value, most));

export class Zoom {
  #scale = 1;
  #x = 0; // pixels from the middle of the stage to that of the picture
  #y = 0;

  /** @param {HTMLElement} stage  @param {HTMLImageElement} picture in its middle  @param {HTMLElement} button */
  constructor(stage, picture, button) {
    Object.assign(this, { stage, picture, button });
    button.addEventListener('click', () => this.toggle());
    new ResizeObserver(() => this.#show()).observe(stage);
  }

  get isIn() {
    return this.#scale > 1;
  }

  /** The scale at which a pixel of the picture takes one of the page. */
  get #actual() {
    const { picture } = this;
    const side = (name) => Number(picture.getAttribute(name));
    return Math.max(side('width') / picture.offsetWidth, side('height') / picture.offsetHeight);
  }

  /** To 100 %, or to twice the size where that is not much more than the whole picture; and back from anywhere. */
  toggle(point = null) {
    const actual = this.#actual;
    this.to(this.isIn ? 1 : actual < CLEARLY ? 2 : actual, point);
    this.#say();
  }

  /** What the keys + and - do: 1 or -1. */
  step(direction) {
    this.by(CLEARLY ** direction);
    this.#say();
  }

  /** What the arrows do; false where there is nothing beyond the stage. */
  stride(across, down) {
    if (!this.isIn) return false;
    this.move(-across * STRIDE, -down * STRIDE);
    return true;
  }

  /** False where it was whole. */
  reset() {
    if (!this.isIn) return false;
    this.to(1);
    this.#say();
    return true;
  }

  by(factor, point = null) {
    this.to(this.#scale * factor, point);
  }

  /** What lies at `point`, given as events give it, stays there; without one, what lies in the middle. */
  to(scale, point = null) {
    const wanted = Math.max(1, Math.min(scale, 4 * Math.max(1, this.#actual)));
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    const x = point ? point.clientX - left - width / 2 : 0;
    const y = point ? point.clientY - top - height / 2 : 0;
    const growth = wanted / this.#scale;
    this.#x = x - (x - this.#x) * growth;
    this.#y = y - (y - this.#y) * growth;
    this.#scale = wanted;
    this.#show();
  }

  move(across, down) {
    this.#x += across;
    this.#y += down;
    this.#show();
  }

  /** Whoever pinched back to almost the whole picture means all of it. */
  settle() {
    if (this.#scale < 1 + (CLEARLY - 1) / 4) this.to(1);
  }

  /** No edge of the picture comes further in than the stage's own. */
  #show() {
    const { stage, picture, button } = this;
    const size = this.#scale / this.#actual;
    const beyond = (name, room) => Math.max(0, (Number(picture.getAttribute(name)) * size - room) / 2);
    this.#x = within(this.#x, beyond('width', stage.clientWidth));
    this.#y = within(this.#y, beyond('height', stage.clientHeight));
    picture.style.transform = this.isIn ? `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})` : '';
    stage.classList.toggle('is-zoomed', this.isIn);
    attribute(button, 'aria-pressed', String(this.isIn));
  }

  #say() {
    const size = percent((100 * this.#scale) / this.#actual);
    announce(this.isIn ? interpolate(gettext('Enlarged to %s.'), [size]) : gettext('The whole picture is shown.'));
  }
}
