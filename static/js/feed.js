/** The feed: keeps one element for each batch and day, in order, and touches only what has changed. */

import { arrange, clone, write } from './dom.js';
import { Batch, inOrder } from './batch.js';
import { Job } from './job.js';
import { day } from './words.js';

export class Feed {
  #jobs = new Map(); // batch id → Job
  #days = new Map();

  /** @param {HTMLElement} list  @param {{style: Function, shapes: object[]}} labels */
  constructor(list, store, labels) {
    Object.assign(this, { list, store, labels });
    setInterval(() => this.#tick(), 1000);
  }

  /** Draw everything anew, or only the batches of `changes` where their kind and place cannot have changed. */
  render(changes = []) {
    const minor = changes.length > 0 && changes.every(({ before, after }) => before?.state === after.state);
    if (!(minor && this.#refresh(changes))) this.#renderAll();
  }

  #refresh(changes) {
    const batches = this.store.batches();
    const jobs = new Map(changes.map(({ after }) => [after.batch, this.#jobs.get(after.batch)]));
    for (const [id, job] of jobs) {
      if (!job || !batches.has(id)) return false;
      job.update(new Batch(id, batches.get(id)), this.store.previews);
    }
    return true;
  }

  #renderAll() {
    const wanted = [];
    const seen = new Set();
    let current = null;
    for (const batch of inOrder(this.store)) {
      if (!batch.kind) continue;
      seen.add(batch.id);
      if (batch.rank === 2) {
        const { key, label } = day(batch.first.created_at);
        if (key !== current) wanted.push(this.#day(key, label));
        current = key;
      }
      wanted.push(this.#job(batch));
    }
    for (const id of this.#jobs.keys()) if (!seen.has(id)) this.#jobs.delete(id);
    arrange(this.list, wanted);
  }

  #job(batch) {
    let job = this.#jobs.get(batch.id);
    if (job?.kind !== batch.kind) {
      const focused = job?.node.contains(document.activeElement);
      job = new Job(batch, this.labels);
      this.#jobs.set(batch.id, job);
      // Whoever had the cancel button under their finger or key keeps a place in the page.
      if (focused) setTimeout(() => job.node.querySelector('button:not([hidden], [hidden] *)')?.focus());
    }
    job.update(batch, this.store.previews);
    return job.node;
  }

  #day(key, label) {
    if (!this.#days.has(key)) this.#days.set(key, clone('t-day'));
    const heading = this.#days.get(key);
    write(heading, label);
    return heading;
  }

  #tick() {
    if (document.hidden) return;
    for (const [id, rows] of this.store.batches()) this.#jobs.get(id)?.tick(new Batch(id, rows));
  }
}
