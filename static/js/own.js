/** On the queue page: one's own batches in the order in which they are drawn, to be moved among themselves or cancelled. */

import { post } from './api.js';
import { arrange, attribute, clone, part, show, write } from './dom.js';
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

  /** `changed()` runs after the server has changed something. */
  constructor(section, { store, changed }) {
    Object.assign(this, { section, store, changed, list: section.querySelector('ol') });
  }

  draw() {
    let batches = ordered(this.store.active.filter((row) => !row.cancel_requested));
    if (this.#wanted) {
      const rank = (batch) => this.#wanted.indexOf(batch.id);
      batches = batches.sort((a, b) => rank(a) - rank(b));
    }
    const waiting = batches.filter(({ rows }) => rows.some((row) => row.state === 'queued')).map(({ id }) => id);
    for (const id of this.#nodes.keys()) if (!batches.some((batch) => batch.id === id)) this.#nodes.delete(id);
    const focused = document.activeElement;
    arrange(this.list, batches.map((batch) => this.#node(batch, waiting)));
    if (focused !== document.activeElement && this.list.contains(focused)) focused.focus(); // moving takes it away
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
    node.waiting = waiting;
    return node;
  }

  #make(id) {
    const node = clone('t-batch');
    part(node, 'up').addEventListener('click', () => this.#move(node, id, -1));
    part(node, 'down').addEventListener('click', () => this.#move(node, id, 1));
    part(node, 'cancel').addEventListener('click', () => this.#send(`batches/${id}/cancel`, {}, gettext('Cancelled.')));
    return node;
  }

  #move(node, id, by) {
    const order = node.waiting.filter((other) => other !== id);
    const at = node.waiting.indexOf(id) + by;
    if (at < 0 || at > order.length || !node.waiting.includes(id)) return;
    const before = order[at] ?? null;
    order.splice(at, 0, id);
    this.#wanted = order;
    this.draw();
    const words = interpolate(gettext('Now number %s of %s.'), [at + 1, order.length]);
    this.#send(`batches/${id}/move`, { before }, words);
  }

  async #send(path, body, words) {
    try {
      await post(path, body);
      announce(words);
    } catch (problem) {
      toast(problem.message);
    }
    await this.changed();
    this.#wanted = null;
    this.draw();
  }
}
