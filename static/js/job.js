/** One batch in the feed: tiles and a column beside them; a dashed row while all of it waits; a quiet row once cancelled. */

import { attribute, clone, part, show, write } from './dom.js';
import { tileFor } from './tile.js';
import { ago, size, steps } from './words.js';

const COLUMNS = [1, 2, 4, 4];

export class Job {
  #tiles = new Map();

  constructor(batch, labels) {
    this.labels = labels; // {style(key), shapes}
    this.kind = batch.kind;
    this.node = clone(`t-${batch.kind}`);
    this.node.dataset.batch = batch.id;
    attribute(this.node, 'aria-label', batch.asked);
  }

  update(batch, previews) {
    write(part(this.node, 'prompt'), batch.asked);
    if (this.kind === 'job') this.#fillJob(batch, previews);
    this.tick(batch);
  }

  /** What changes with time alone. */
  tick(batch, now = Date.now()) {
    if (this.kind === 'queued') {
      write(part(this.node, 'position'), batch.position ?? '·');
      write(part(this.node, 'place'), batch.place(now));
    } else if (this.kind === 'job') {
      if (batch.active.length) write(part(this.node, 'detail'), batch.detail(now));
      else write(part(this.node, 'when'), ago(batch.first.created_at));
    }
  }

  #fillJob(batch, previews) {
    this.#fillTiles(batch, previews);
    this.#fillFailure(batch);
    const active = batch.active.length > 0;
    show(part(this.node, 'status'), active);
    if (active) {
      write(part(this.node, 'headline'), batch.headline);
      part(this.node, 'dot').classList.toggle('dot--still', !batch.running.length);
      Object.assign(part(this.node, 'overall'), batch.progress);
    }
    const { style, width, height, steps: number } = batch.first;
    write(part(this.node, 'style'), this.labels.style(style));
    show(part(this.node, 'style'), style);
    write(part(this.node, 'size'), size(width, height, this.labels.shapes));
    write(part(this.node, 'steps'), steps(number));
    show(part(this.node, 'cut'), batch.cut);
    write(part(this.node, 'cut'), batch.cut);
    show(part(this.node, 'when'), !active);
    show(part(this.node, 'cancel'), active && !batch.active.every((row) => row.cancel_requested));
    show(part(this.node, 'after'), !active);
    for (const element of this.node.querySelectorAll('[data-needs-pictures]')) show(element, batch.done.length);
  }

  #fillTiles(batch, previews) {
    const list = part(this.node, 'tiles');
    const waiting = batch.queued;
    const rows = batch.tiles;
    const isOneOfSeveral = batch.active.length > 1;
    rows.forEach((row, index) => {
      const old = this.#tiles.get(row.id);
      const more = { preview: previews.get(row.id), place: waiting.indexOf(row), isOneOfSeveral };
      const tile = tileFor(old, row, more);
      this.#tiles.set(row.id, tile);
      if (old && old !== tile) old.replaceWith(tile);
      if (list.children[index] !== tile) list.insertBefore(tile, list.children[index] ?? null);
    });
    while (list.children.length > rows.length) list.lastElementChild.remove();
    const columns = COLUMNS[Math.min(rows.length, 4) - 1];
    list.classList.toggle('n-1', columns === 1);
    list.classList.toggle('n-2', columns === 2);
  }

  #fillFailure(batch) {
    const { failed } = batch;
    const banner = part(this.node, 'failure');
    show(banner, failed.length);
    if (!failed.length) return;
    const all = failed.length === batch.rows.length;
    const many = interpolate(
      ngettext('%s picture could not be finished.', '%s pictures could not be finished.', failed.length), [failed.length],
    );
    write(part(banner, 'title'), failed.length === 1 && all ? gettext('This one could not be finished.') : many);
    write(part(banner, 'error'), failed[0].error);
  }
}
