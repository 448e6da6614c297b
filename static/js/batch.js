/** What a batch looks like from outside: how far it is, which words say so. No elements here. */

import { isActive, secondsLeft, secondsUntilStart } from './store.js';
import { delayed, duration, pictures, placeInLine } from './words.js';

export class Batch {
  constructor(id, rows) {
    this.id = id;
    this.rows = rows;
    this.first = rows[0];
  }

  in(state) {
    return this.rows.filter((row) => row.state === state);
  }

  /** The prompt as it was typed, with its alternatives. */
  get asked() { return this.first.prompt_template || this.first.prompt; }
  get running() { return this.in('running'); }
  get queued() { return this.in('queued'); }
  get failed() { return this.in('failed'); }
  get active() { return this.rows.filter(isActive); }
  /** Finished pictures that are still in the gallery. */
  get done() { return this.rows.filter((row) => row.state === 'succeeded' && row.image); }
  get tiles() { return this.rows.filter((row) => (row.state === 'succeeded' ? row.image : isActive(row))); }

  /** Which of the templates shows it: 'job', 'queued', 'cancelled', or null for nothing left to show. */
  get kind() {
    const wanted = this.rows.filter((row) => row.state !== 'cancelled');
    if (wanted.length && wanted.length === this.queued.length) return 'queued';
    if (this.tiles.length || this.failed.length) return 'job';
    return this.rows.every((row) => row.state === 'cancelled') ? 'cancelled' : null;
  }

  /** Being drawn first, then waiting in their order, then everything else newest first. */
  get rank() {
    if (this.running.length) return 0;
    return this.active.length ? 1 : 2;
  }

  get position() {
    const places = this.queued.map((row) => row.position).filter(Number.isFinite);
    return places.length ? Math.min(...places) : null;
  }

  /** Steps of all pictures that are not given up: the overall bar. */
  get progress() {
    const rows = this.rows.filter((row) => row.state === 'succeeded' || isActive(row));
    const done = rows.map((row) => (row.state === 'succeeded' ? row.drawn_steps : row.step));
    return { max: sum(rows.map((row) => row.drawn_steps)) || 1, value: sum(done) };
  }

  /** What is said where the model did not read the prompt to its end. */
  get cut() {
    const cut = this.done.map((row) => row.image.prompt_cut).find(Boolean);
    return cut ? interpolate(gettext('The model read only the first %(read)s tokens of %(of)s.'), cut, true) : '';
  }

  get headline() {
    if (this.active.every((row) => row.cancel_requested)) return gettext('Stopping…');
    const total = this.rows.filter((row) => row.state === 'succeeded' || isActive(row)).length;
    const before = this.in('succeeded').length;
    const now = this.running.length;
    if (!now) return interpolate(gettext('%(done)s of %(total)s drawn'), { done: before, total }, true);
    if (now === total) return interpolate(ngettext('Drawing %s picture', 'Drawing %s pictures', total), [total]);
    if (now === 1) return interpolate(gettext('Drawing %(number)s of %(total)s'), { number: before + 1, total }, true);
    const range = { first: before + 1, last: before + now, total };
    return interpolate(gettext('Drawing %(first)s–%(last)s of %(total)s'), range, true);
  }

  /** `Step 6 of 9 · 12 s so far · about 8 s left`, or the place in line of what waits. */
  detail(now) {
    const [row] = this.running;
    if (!row) return this.place(now);
    const step = interpolate(gettext('Step %(step)s of %(steps)s'), { step: row.step, steps: row.drawn_steps }, true);
    const elapsed = interpolate(gettext('%s so far'), [duration((now - row.began) / 1000)]);
    const left = this.active.map((active) => secondsLeft(active, now));
    const last = left.includes(null) ? null : this.active[left.indexOf(Math.max(...left))];
    const rest = last && interpolate(gettext('about %s left'), [duration(secondsLeft(last, now))]);
    return [step, elapsed, rest, delayed(last?.delay)].filter(Boolean).join(' · ');
  }

  /** `3rd in line · starts in about 25 s · 4 pictures`, and why that is later than was said before. */
  place(now) {
    const next = this.queued.find((row) => row.position === this.position) ?? this.queued[0];
    const parts = [this.position === null ? gettext('In line') : placeInLine(this.position)];
    const wait = next && secondsUntilStart(next, now);
    if (wait !== null && wait !== undefined) {
      parts.push(wait < 2 ? gettext('starts now') : interpolate(gettext('starts in about %s'), [duration(wait)]));
    }
    return [...parts, pictures(this.queued.length), delayed(next?.delay)].filter(Boolean).join(' · ');
  }
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/** All batches in the order in which the feed shows them. */
export function inOrder(store) {
  const batches = [...store.batches()].map(([id, rows]) => new Batch(id, rows));
  return batches.sort((a, b) => a.rank - b.rank
    || (a.rank === 1 && a.position !== null && b.position !== null ? a.position - b.position : b.first.id - a.first.id));
}
