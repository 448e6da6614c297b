/**
 * Rows of a list dragged into another order by a grip, with mouse, pen or finger.
 *
 * The row that is held never leaves its place in the document: the others step around it. A browser lets go of a
 * pointer whose element is moved.
 */

const EDGE = 72; // pixels from the window's edges where the page scrolls along
const SCROLLED = 9; // pixels in one frame

export class Dragging {
  #held = null; // {row, grip, pointer, y, below, shifted, before}: the pointer is `below` pixels under the row's edge

  /**
   * @param {HTMLElement} list
   * @param {{grip: string, rows: () => HTMLElement[], moved: () => void, dropped: (row: HTMLElement) => void,
   *   putBack: () => void}} page `rows` are those that may change places, in order; `moved` follows each step
   */
  constructor(list, page) {
    Object.assign(this, { list, page });
    list.addEventListener('pointerdown', (event) => this.#take(event));
    list.addEventListener('pointermove', (event) => this.#isOurs(event) && this.#follow(event.clientY));
    list.addEventListener('pointerup', (event) => this.#isOurs(event) && this.#end(true));
    for (const type of ['pointercancel', 'lostpointercapture']) {
      list.addEventListener(type, (event) => this.#isOurs(event) && this.#end(false));
    }
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#held) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#end(false);
    }, true);
    addEventListener('scroll', () => this.#held && this.#follow(this.#held.y), { passive: true });
  }

  get row() {
    return this.#held?.row ?? null;
  }

  /** Put back what is held, if anything is. */
  cancel() {
    if (this.#held) this.#end(false);
  }

  #isOurs(event) {
    return this.#held?.pointer === event.pointerId;
  }

  #take(event) {
    const grip = event.target.closest(this.page.grip);
    if (!grip || event.button !== 0 || !event.isPrimary || this.#held) return;
    const rows = this.page.rows();
    const row = rows.find((each) => each.contains(grip));
    if (!row || rows.length < 2) return;
    event.preventDefault(); // no text is marked
    grip.setPointerCapture(event.pointerId);
    const y = event.clientY;
    const below = y - row.getBoundingClientRect().top;
    this.#held = { row, grip, pointer: event.pointerId, y, below, shifted: 0, before: rows };
    row.classList.add('is-held');
    this.page.moved();
    requestAnimationFrame(() => this.#scrollAlong());
  }

  #follow(y) {
    const held = this.#held;
    const { row } = held;
    held.y = y;
    this.#shift();
    const rows = this.page.rows();
    const at = rows.indexOf(row);
    const box = row.getBoundingClientRect();
    const middle = (other) => {
      const { top, height } = other.getBoundingClientRect();
      return top + height / 2;
    };
    const above = rows.slice(0, at).filter((other) => box.top < middle(other));
    const below = rows.slice(at + 1).filter((other) => box.bottom > middle(other));
    if (!above.length && !below.length) return;
    row.after(...above);
    row.before(...below);
    this.#shift();
    this.page.moved();
  }

  /** Bring the row to the pointer from wherever it lies now: banners come and go above the list. */
  #shift() {
    const held = this.#held;
    const lies = held.row.getBoundingClientRect().top - held.shifted;
    held.shifted = held.y - held.below - lies;
    held.row.style.setProperty('translate', `0 ${held.shifted}px`);
  }

  #scrollAlong() {
    if (!this.#held) return;
    const { y } = this.#held;
    if (y < EDGE) scrollBy(0, -SCROLLED);
    else if (y > innerHeight - EDGE) scrollBy(0, SCROLLED);
    requestAnimationFrame(() => this.#scrollAlong());
  }

  #end(dropped) {
    const { row, grip, pointer, before } = this.#held;
    this.#held = null;
    if (grip.hasPointerCapture(pointer)) grip.releasePointerCapture(pointer);
    row.classList.remove('is-held');
    row.style.removeProperty('translate');
    const now = this.page.rows();
    if (dropped && now.some((each, index) => each !== before[index])) this.page.dropped(row);
    else this.page.putBack();
  }
}
