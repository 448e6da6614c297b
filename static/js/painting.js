/** What is painted over a picture: strokes and rectangles, one after the other, so that each can be taken back. */

const SHARE = 128; // pixels of a side on which the painted share is counted

export class Painting {
  #done = [];
  #stroke = null;

  /** @param {HTMLCanvasElement} canvas lies over the picture  @param {{brush: Function, changed: Function}} page
   *  `brush` answers `{size, erase}`, the size as a share of the longer side. */
  constructor(canvas, { brush, changed }) {
    Object.assign(this, { canvas, brush, changed, context: canvas.getContext('2d') });
    canvas.addEventListener('pointerdown', (event) => this.#begin(event));
    canvas.addEventListener('pointermove', (event) => this.#go(event));
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, (event) => this.#end(event));
  }

  /** Everything painted, in an order that `open` takes back. */
  get marks() {
    return [...this.#done];
  }

  /** Painted share of the picture, 0 to 1. */
  get share() {
    const small = new OffscreenCanvas(SHARE, SHARE).getContext('2d', { willReadFrequently: true });
    small.drawImage(this.canvas, 0, 0, SHARE, SHARE);
    const { data } = small.getImageData(0, 0, SHARE, SHARE);
    let painted = 0;
    for (let at = 3; at < data.length; at += 4) painted += data[at];
    return painted / 255 / SHARE ** 2;
  }

  /** Begin on a picture of so many pixels, with marks made before. */
  open(width, height, marks) {
    Object.assign(this.canvas, { width, height });
    this.colour = getComputedStyle(this.canvas).color;
    this.#done = [...marks];
    this.#stroke = null;
    this.#redraw();
  }

  rectangle(x, y, width, height) {
    this.#add({ kind: 'rectangle', erase: this.brush().erase, x, y, width, height });
  }

  clear() {
    if (this.#done.length) this.#add({ kind: 'clear' });
  }

  undo() {
    this.#done.pop();
    this.#redraw();
  }

  /** A PNG as large as the picture, white where painted and black elsewhere; null where nothing is painted. */
  async file() {
    const { width, height } = this.canvas;
    const { data } = this.context.getImageData(0, 0, width, height);
    let at = 3;
    while (at < data.length && !data[at]) at += 4;
    if (at >= data.length) return null;
    const mask = new OffscreenCanvas(width, height);
    const context = mask.getContext('2d');
    context.drawImage(this.canvas, 0, 0);
    for (const [operation, colour] of [['source-in', '#fff'], ['destination-over', '#000']]) {
      context.globalCompositeOperation = operation;
      context.fillStyle = colour;
      context.fillRect(0, 0, width, height);
    }
    return new File([await mask.convertToBlob({ type: 'image/png' })], 'mask.png', { type: 'image/png' });
  }

  // -- the pointer: finger, pen or mouse ---------------------------------------------------------------------------------

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    const { width, height } = this.canvas;
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  }

  #begin(event) {
    if (event.button || !event.isPrimary) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    const { size, erase } = this.brush();
    const width = Math.max(1, size * Math.max(this.canvas.width, this.canvas.height));
    this.#stroke = { kind: 'stroke', erase, width, points: [this.#at(event)] };
    this.#draw(this.#stroke);
  }

  #go(event) {
    if (!this.#stroke || !event.isPrimary) return;
    const from = this.#stroke.points.length - 1;
    // Between two frames a pen tells more than one place.
    const events = event.getCoalescedEvents?.() ?? [];
    this.#stroke.points.push(...(events.length ? events : [event]).map((each) => this.#at(each)));
    this.#draw({ ...this.#stroke, points: this.#stroke.points.slice(from) });
  }

  #end(event) {
    if (!this.#stroke || !event.isPrimary) return;
    this.#done.push(this.#stroke);
    this.#stroke = null;
    this.changed();
  }

  // -- drawing -----------------------------------------------------------------------------------------------------------

  #add(mark) {
    this.#done.push(mark);
    this.#draw(mark);
    this.changed();
  }

  #redraw() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const mark of this.#done) this.#draw(mark);
    this.changed();
  }

  #draw({ kind, erase, ...mark }) {
    const { context, canvas, colour } = this;
    context.save();
    context.globalCompositeOperation = erase ? 'destination-out' : 'source-over';
    Object.assign(context, { fillStyle: colour, strokeStyle: colour, lineCap: 'round', lineJoin: 'round' });
    if (kind === 'clear') context.clearRect(0, 0, canvas.width, canvas.height);
    else if (kind === 'rectangle') context.fillRect(mark.x, mark.y, mark.width, mark.height);
    else if (kind === 'mask') this.#drawMask(mark.picture);
    else if (mark.points.length === 1) this.#dot(mark); // a line that leads nowhere is not drawn
    else {
      context.lineWidth = mark.width;
      context.beginPath();
      for (const point of mark.points) context.lineTo(...point);
      context.stroke();
    }
    context.restore();
  }

  #dot({ width, points: [[x, y]] }) {
    this.context.beginPath();
    this.context.arc(x, y, width / 2, 0, 2 * Math.PI);
    this.context.fill();
  }

  /** One that was kept: white where painted. */
  #drawMask(picture) {
    const { width, height } = this.canvas;
    const kept = new OffscreenCanvas(width, height).getContext('2d');
    kept.drawImage(picture, 0, 0, width, height);
    const pixels = kept.getImageData(0, 0, width, height);
    for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at];
    kept.putImageData(pixels, 0, 0);
    kept.globalCompositeOperation = 'source-in';
    kept.fillStyle = this.colour;
    kept.fillRect(0, 0, width, height);
    this.context.drawImage(kept.canvas, 0, 0);
  }
}
