/** What the buttons of a batch do. */

import { get, post } from './api.js';
import { Batch } from './batch.js';
import { copy } from './copying.js';
import { combinations } from './matrix.js';
import { isActive } from './store.js';
import { announce, toast } from './toast.js';
import { inBin } from './words.js';

export class Actions {
  /** @param {{catchUp: Function, reuse: Function}} page */
  constructor(store, { catchUp, reuse }) {
    Object.assign(this, { store, catchUp, reuse: (batch) => reuse(settingsOf(batch)) });
  }

  /** Listen to the buttons inside `root`: `data-action` inside a `data-batch`. */
  attach(root) {
    root.addEventListener('click', async (event) => {
      const button = event.target.closest('[data-action]');
      const id = button?.closest('[data-batch]')?.dataset.batch;
      const rows = id && this.store.batches().get(id);
      if (!rows || button.ariaDisabled === 'true') return;
      button.ariaDisabled = 'true';
      try {
        await this[button.dataset.action](new Batch(id, rows), button);
      } catch (problem) {
        toast(problem.message, { seconds: 8 });
      } finally {
        button.ariaDisabled = null;
      }
    });
  }

  async cancel(batch) {
    await post(`batches/${batch.id}/cancel`);
    announce(gettext('Cancelled.'));
    await this.catchUp();
  }

  /** One picture of several. */
  async cancelOne(batch, button) {
    const { generation } = button.closest('[data-generation]').dataset;
    this.store.load({ generations: [await post(`generations/${generation}/cancel`)] });
    announce(gettext('Cancelled.'));
  }

  async retry(batch) {
    for (const { id } of batch.failed) this.store.load(await post(`generations/${id}/retry`));
    announce(gettext('In line again.'));
  }

  /** The same request with fresh seeds. */
  async again(batch) {
    const { seed, ...settings } = settingsOf(batch);
    this.store.load(await post('generations', settings));
    scrollTo({ top: 0, behavior: 'smooth' });
    announce(gettext('In line again, with new seeds.'));
  }

  download(batch) {
    for (const { image } of batch.done) {
      const link = document.createElement('a');
      link.href = `${image.file}?download=1`;
      link.download = image.filename;
      link.click();
    }
  }

  async copy(batch) {
    await copy(batch.asked, gettext('Prompt copied.'));
  }

  async bin(batch) {
    const ids = batch.done.map((row) => row.image.id);
    await post('images/delete', { ids });
    this.store.forgetImages(ids);
    const undo = async () => {
      await post('images/restore', { ids });
      this.#bringBack(batch, ids);
    };
    toast(inBin(ids.length), { undo, seconds: 10 });
  }

  #bringBack(batch, ids) {
    const back = batch.rows.filter((row) => row.image && ids.includes(row.image.id));
    for (const row of back) this.store.merge(row);
  }
}

/** What is needed to ask for the same pictures again; the seed of the first brings back all of them. */
function settingsOf(batch) {
  const { style, width, height, steps, guidance, variation, negative_prompt, seed, loras } = batch.first;
  const { init_image, mask, strength } = batch.first;
  const count = Math.max(1, Math.min(Math.floor(batch.rows.length / combinations(batch.asked)), 4));
  const drawn = { style, width, height, steps, guidance, variation, negative_prompt, seed, loras };
  return { prompt: batch.asked, ...drawn, init_image, mask, strength, count };
}

/** Older pages of the feed, as the end of the list comes into view or its button is pressed. */
export class OlderPages {
  #loading = false;

  constructor(element, store, next) {
    Object.assign(this, { element, store, next });
    element.hidden = !next;
    element.querySelector('button').addEventListener('click', async () => {
      const problem = await this.load();
      if (problem) toast(problem.message);
    });
    const near = (entries) => entries.some((entry) => entry.isIntersecting) && this.load();
    this.observer = new IntersectionObserver(near, { rootMargin: '600px' });
    this.observer.observe(element);
  }

  /** What went wrong, if anything did; the button is still there then. */
  async load() {
    if (!this.next || this.#loading) return null;
    this.#loading = true;
    try {
      const page = await get(`generations?feed=true&cursor=${encodeURIComponent(this.next)}`);
      this.store.load({ generations: page.items });
      this.next = page.next;
      this.element.hidden = !page.next;
      // An observer reports changes only: ask again, for the end may still be in view.
      this.observer.unobserve(this.element);
      this.observer.observe(this.element);
      return null;
    } catch (problem) {
      return problem;
    } finally {
      this.#loading = false;
    }
  }
}

/** Pictures under way, as `(2/4)` for the title of the tab; empty when nothing is. */
export function progressTitle(store) {
  const under = [...store.batches().values()].filter((rows) => rows.some(isActive));
  const rows = under.flat().filter((row) => row.state === 'succeeded' || isActive(row));
  if (!rows.length) return '';
  const done = rows.filter((row) => row.state === 'succeeded').length;
  const drawing = rows.some((row) => row.state === 'running') ? 1 : 0;
  return `(${done + drawing}/${rows.length}) `;
}
