/** What this page knows of the person's generations. The newest `seq` of a generation wins, whatever way it came. */

const ACTIVE = new Set(['queued', 'running']);
const PLACE = ['position', 'starts_in', 'eta_seconds', 'delay'];

export const isActive = (generation) => ACTIVE.has(generation.state);

export class Store {
  generations = new Map(); // id → generation
  previews = new Map(); // id → data: address
  usage = null;
  queue = { length: 0, workers: null, pace: null };
  seq = 0;

  #listeners = new Set();
  #changes = [];
  #pending = false;

  /** `listener(changes)` runs after a burst of changes; changes are `{before, after}` of single generations. */
  listen(listener) {
    this.#listeners.add(listener);
  }

  /** Take in everything that a page or a snapshot starts from. */
  load({ generations = [], usage, queue, seq }) {
    generations.forEach((generation) => this.merge(generation));
    if (usage) this.usage = usage;
    if (queue) this.queue = { ...this.queue, ...queue };
    if (seq) this.seq = Math.max(this.seq, seq);
    this.#announce();
  }

  /** Active here but absent there: it ended while nobody listened. */
  missingFrom(generations) {
    const there = new Set(generations.map((generation) => generation.id));
    return [...this.generations.values()].filter((known) => isActive(known) && !there.has(known.id));
  }

  merge(generation) {
    const before = this.generations.get(generation.id);
    if (before && generation.seq < before.seq) return;
    const now = Date.now();
    // A page that comes later counts from the same moment; that may not be ahead, whatever the clock here says.
    const began = generation.state === 'running' ? Math.min(now, Date.parse(generation.started_at)) : null;
    const after = { ...generation, heard: now, began };
    if (before?.state === after.state) {
      after.began = before.began;
      if (after.state === 'running') after.step = Math.max(before.step, after.step);
      if (isActive(after) && after.eta_seconds === null && before.eta_seconds !== null) {
        for (const name of PLACE) after[name] = before[name];
        after.heard = before.heard;
      }
      after.delay ??= before.delay; // only the live line says why something takes longer
    }
    if (!isActive(after)) this.previews.delete(after.id);
    this.generations.set(after.id, after);
    this.seq = Math.max(this.seq, after.seq);
    this.#announce({ before, after });
  }

  preview({ id, step, image }) {
    const known = this.generations.get(id);
    if (known?.state !== 'running' || step < known.step) return;
    this.previews.set(id, image);
    this.generations.set(id, { ...known, step });
    this.#announce({ before: known, after: this.generations.get(id) });
  }

  line({ positions = {}, length, workers, pace }) {
    if (length !== undefined) this.queue = { ...this.queue, length };
    if (workers) this.queue = { ...this.queue, workers };
    if (pace !== undefined) this.queue = { ...this.queue, pace };
    for (const [id, place] of Object.entries(positions)) {
      const known = this.generations.get(Number(id));
      if (known && isActive(known)) this.generations.set(known.id, { ...known, ...place, heard: Date.now() });
    }
    this.#announce();
  }

  spend(usage) {
    this.usage = usage;
    this.#announce();
  }

  /** Images that went to the bin in this or another tab: their tiles go. */
  forgetImages(ids) {
    const gone = new Set(ids);
    for (const known of this.generations.values()) {
      if (known.image && gone.has(known.image.id)) this.generations.set(known.id, { ...known, image: null });
    }
    this.#announce();
  }

  get active() {
    return [...this.generations.values()].filter(isActive);
  }

  /** Batches as lists of generations by id, without those that a retry stands for. */
  batches() {
    const retried = new Set();
    for (const { retry_of } of this.generations.values()) if (retry_of) retried.add(retry_of);
    const found = new Map();
    for (const generation of this.generations.values()) {
      if (retried.has(generation.id)) continue;
      if (!found.has(generation.batch)) found.set(generation.batch, []);
      found.get(generation.batch).push(generation);
    }
    for (const rows of found.values()) rows.sort((a, b) => a.id - b.id);
    return found;
  }

  #announce(change) {
    if (change) this.#changes.push(change);
    if (this.#pending) return;
    this.#pending = true;
    queueMicrotask(() => {
      this.#pending = false;
      const changes = this.#changes.splice(0);
      for (const listener of this.#listeners) listener(changes);
    });
  }
}

/** Seconds left until an active generation is finished, counted on from what the server last said; null if unknown. */
export function secondsLeft(generation, now = Date.now()) {
  if (generation.eta_seconds !== null && generation.eta_seconds !== undefined) {
    return Math.max(0, generation.eta_seconds - (now - generation.heard) / 1000);
  }
  if (generation.state !== 'running' || generation.step < 2) return null;
  return ((now - generation.began) / 1000 / generation.step) * (generation.drawn_steps - generation.step);
}

export function secondsUntilStart(generation, now = Date.now()) {
  if (generation.starts_in === null || generation.starts_in === undefined) return null;
  return Math.max(0, generation.starts_in - (now - generation.heard) / 1000);
}

const NEAREST = 6;

/** Seconds that drawing one picture takes: as the workers measured, else as the person's own pictures of about that size
 *  took; null where nothing is known. Never from what was said of places in line: that is held while it comes true. */
export function drawingTime(store, { pixels, steps, isGuided }) {
  const { pace } = store.queue;
  const work = pixels * steps * (isGuided ? 2 : 1); // guidance draws each step twice
  if (pace) return (work * pace.per_cost + pixels * pace.per_megapixel) / 1e6;
  const of = (row) => row.width * row.height * row.drawn_steps;
  const rows = [...store.generations.values()];
  // A small picture costs more for its size than a large one: those nearest in size tell best.
  const distance = (row) => Math.abs(Math.log(of(row) / work));
  const like = rows.filter((row) => row.image?.seconds).sort((a, b) => distance(a) - distance(b)).slice(0, NEAREST);
  const total = like.reduce((sum, row) => sum + of(row), 0);
  return total ? (like.reduce((sum, row) => sum + row.image.seconds, 0) / total) * work : null;
}
