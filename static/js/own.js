/** On the queue page: one's own batches in the order in which they are drawn, to be moved among themselves or cancelled. */

import { post } from './api.js';
import { arrange, attribute, clone, part, show, write } from './dom.js';
import { Dragging } from './dragging.js';
import { announce, toast } from './toast.js';
import { pictures } from './words.js';

/** The batches under way, each with its rows; those that are being drawn first, then by the place of their first row. */
function ordered(rows) {
  const batches = new Map();
  for (const row of rows) batches.set(row.batch, [...(batches.get(row.batch) ?? []), row]);
  const place = (own) => Math.min(...own.map((row) => (row.state === 'running' ? 0 : row.position ?? Infinity)));
  return [...batches].map(([id, own]) => ({ id, rows: own, place: place(own) })).sort((a, b) => a.place - b.place);
}

function detail(rows) {
  const waiting = rows.filter((row) => row.state === 'queued');
  const drawn = rows.length - waiting.length;
  const parts = [];
  if (drawn) parts.push(interpolate(gettext('%s being drawn'), [pictures(drawn)]));
  if (waiting.length) parts.push(interpolate(gettext('%s waiting'), [pictures(waiting.length)]));
  return parts.join(' · ');
}

export class OwnBatches {
  #nodes = new Map(); // batch → element
  #wanted = null; // the order that was asked for, until the server's is read
  #sent = Promise.resolve(); // the last request

  /** `changed()` runs after the server has changed something. */
  constructor(section, { store, changed }) {
    Object.assign(this, { section, store, changed, list: section.querySelector('ol') });
    this.dragging = new Dragging(this.list, {
      grip: '[data-part="grip"]',
      rows: () => this.#movable,
      moved: () => { this.#wanted = this.#movable.map((node) => node.batch); }, // news must not undo it meanwhile
      dropped: (row) => this.#ask(row.batch, this.#wanted),
      putBack: () => {
        this.#wanted = null;
        this.draw();
        announce(gettext('Put back.'));
      },
    });
  }

  /** The rows of what waits, as they stand. */
  get #movable() {
    return [...this.list.children].filter((node) => node.waiting.includes(node.batch));
  }

  draw() {
    let batches = ordered(this.store.active.filter((row) => !row.cancel_requested));
    if (this.#wanted) {
      // What is drawn already stands first, what came meanwhile last.
      const waits = (batch) => batch.rows.some((row) => row.state === 'queued');
      const place = (batch) => (waits(batch) ? Infinity : -1);
      const rank = (batch) => (this.#wanted.includes(batch.id) ? this.#wanted.indexOf(batch.id) : place(batch));
      batches = batches.sort((a, b) => Math.sign(rank(a) - rank(b)) || 0); // Infinity - Infinity is no number
    }
    const waiting = batches.filter(({ rows }) => rows.some((row) => row.state === 'queued')).map(({ id }) => id);
    for (const id of this.#nodes.keys()) if (!batches.some((batch) => batch.id === id)) this.#nodes.delete(id);
    const held = this.dragging.row;
    if (held && !waiting.includes(held.batch)) { // it is drawn now
      this.dragging.cancel();
      return;
    }
    arrange(this.list, batches.map((batch) => this.#node(batch, waiting)));
    show(this.section, batches.length);
  }

  #node({ id, rows }, waiting) {
    if (!this.#nodes.has(id)) this.#nodes.set(id, this.#make(id));
    const node = this.#nodes.get(id);
    const prompt = rows[0].prompt_template || rows[0].prompt;
    write(part(node, 'prompt'), prompt);
    write(part(node, 'detail'), detail(rows));
    const short = prompt.slice(0, 80);
    const at = waiting.indexOf(id);
    for (const [name, label, can] of [
      ['up', gettext('Draw earlier'), at > 0],
      ['down', gettext('Draw later'), at >= 0 && at < waiting.length - 1],
      ['cancel', gettext('Cancel'), true],
    ]) {
      attribute(part(node, name), 'aria-label', `${label}: ${short}`);
      attribute(part(node, name), 'aria-disabled', can ? null : 'true'); // not disabled: focus must not be lost at an end
    }
    show(part(node, 'grip'), at >= 0 && waiting.length > 1);
    node.waiting = waiting;
    return node;
  }

  #make(id) {
    const node = Object.assign(clone('t-batch'), { batch: id, waiting: [] });
    part(node, 'up').addEventListener('click', () => this.#move(node, id, -1));
    part(node, 'down').addEventListener('click', () => this.#move(node, id, 1));
    part(node, 'cancel').addEventListener('click', () => this.#send(`batches/${id}/cancel`, {}, gettext('Cancelled.')));
    return node;
  }

  #move(node, id, by) {
    const order = node.waiting.filter((other) => other !== id);
    const at = node.waiting.indexOf(id) + by;
    if (at < 0 || at > order.length || !node.waiting.includes(id)) return;
    order.splice(at, 0, id);
    this.#ask(id, order);
  }

  /** Show what waits in this order, in which only the batch `id` has moved, and ask the server for it. */
  #ask(id, order) {
    const at = order.indexOf(id);
    this.#wanted = order;
    this.draw();
    this.#nodes.get(id)?.scrollIntoView({ block: 'nearest' });
    const words = interpolate(gettext('Now number %s of %s.'), [at + 1, order.length]);
    this.#send(`batches/${id}/move`, { before: order[at + 1] ?? null }, words);
  }

  /** One after the other: each is meant for the order that those before it have made. */
  async #send(path, body, words) {
    const mine = this.#sent.then(() => this.#post(path, body, words));
    this.#sent = mine;
    await mine;
    if (mine !== this.#sent) return; // the last one reads what has come of all
    await this.changed();
    if (mine === this.#sent && !this.dragging.row) this.#wanted = null; // else another is on its way already
    this.draw();
  }

  async #post(path, body, words) {
    try {
      await post(path, body);
      announce(words);
    } catch (problem) {
      toast(problem.message);
    }
  }
}
