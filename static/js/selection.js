/** Choosing pictures: by tick, by click while choosing, by range with Shift, all with Ctrl+A, by a long press. */

import { isTyping, write } from './dom.js';

const LONG_PRESS = 450; // milliseconds

export class Selection {
  #anchor = null;
  #press = null;
  #pressed = false;

  /** @param {HTMLElement} root the gallery  @param {HTMLElement} toggle its Select button */
  constructor(root, toggle) {
    Object.assign(this, { root, toggle });
    toggle.addEventListener('click', () => this.set(!this.isOn));
    root.addEventListener('change', (event) => event.target.name === 'ids' && this.#ticked(event.target));
    root.addEventListener('click', (event) => this.#clicked(event), true);
    document.addEventListener('keydown', (event) => this.#key(event));
    root.addEventListener('pointerdown', (event) => this.#startPress(event));
    for (const type of ['pointerup', 'pointercancel', 'pointermove']) {
      root.addEventListener(type, (event) => this.#endPress(event));
    }
    root.addEventListener('contextmenu', (event) => this.#pressed && event.preventDefault());
  }

  get isOn() {
    return this.root.classList.contains('selecting');
  }

  get cells() {
    return [...this.root.querySelectorAll('.cell')];
  }

  get chosen() {
    return [...this.root.querySelectorAll('.cell [name=ids]:checked')].map((input) => input.closest('.cell'));
  }

  set(on) {
    if (!on) for (const cell of this.chosen) box(cell).checked = false;
    this.root.classList.toggle('selecting', on);
    this.toggle.setAttribute('aria-pressed', String(on));
    if (!on) this.#anchor = null;
    this.show();
  }

  /** With this picture, where the page has it. */
  begin(id) {
    const cell = this.root.querySelector(`.cell[data-id="${id}"]`);
    if (cell) {
      box(cell).checked = true;
      this.#anchor = cell;
      cell.scrollIntoView({ block: 'nearest' });
    }
    this.set(true);
  }

  all() {
    for (const cell of this.cells) box(cell).checked = true;
    this.set(true);
  }

  /** Only cells that changed are touched: there may be thousands. Tells the page with the event `chosen`. */
  show() {
    const chosen = new Set(this.chosen);
    for (const cell of this.root.querySelectorAll('.cell.is-on')) cell.classList.toggle('is-on', chosen.has(cell));
    for (const cell of chosen) cell.classList.add('is-on');
    const count = chosen.size;
    write(this.root.querySelector('[data-selected]'), interpolate(gettext('%s selected'), [count]));
    for (const button of this.root.querySelectorAll('[data-bulk]:not([data-bulk="clear"])')) button.disabled = !count;
    this.root.dispatchEvent(new Event('chosen'));
  }

  #ticked(input) {
    this.#anchor = input.closest('.cell');
    if (!this.isOn) this.set(true);
    this.show();
  }

  /** In capture: while choosing, a click on a picture chooses it and does not open it. */
  #clicked(event) {
    const cell = event.target.closest('.cell');
    if (!cell) return;
    if (this.#pressed) { // the click that ends a long press
      this.#pressed = false;
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.target.closest('button')) return;
    if (event.target.closest('.check')) { // its own `change` follows; preventing the click would undo the tick
      if (event.shiftKey && this.#anchor) this.#range(cell);
      return;
    }
    const choosing = this.isOn || event.ctrlKey || event.metaKey || event.shiftKey;
    if (!choosing) return;
    event.preventDefault();
    if (event.shiftKey && this.#anchor) this.#range(cell);
    else {
      box(cell).checked = !box(cell).checked;
      this.#anchor = cell;
    }
    this.set(true);
  }

  #range(cell) {
    const { cells } = this;
    const [from, to] = [cells.indexOf(this.#anchor), cells.indexOf(cell)].sort((a, b) => a - b);
    for (const other of cells.slice(Math.max(0, from), to + 1)) box(other).checked = true;
  }

  #key(event) {
    if (event.defaultPrevented || isTyping(event) || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape' && this.isOn) this.set(false);
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey) && this.cells.length) {
      event.preventDefault();
      this.all();
    }
  }

  #startPress(event) {
    const cell = event.pointerType === 'touch' && event.target.closest('.cell');
    this.#pressed = false;
    if (!cell || this.isOn) return;
    this.#press = setTimeout(() => {
      this.#pressed = true;
      box(cell).checked = true;
      this.#anchor = cell;
      this.set(true);
    }, LONG_PRESS);
  }

  #endPress(event) {
    if (event.type === 'pointermove' && Math.hypot(event.movementX, event.movementY) < 4) return;
    clearTimeout(this.#press);
  }
}

function box(cell) {
  return cell.querySelector('[name=ids]');
}
