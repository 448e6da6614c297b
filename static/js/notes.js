/** The banners above feed and gallery: connection, signed out, and, above the feed, what the workers are doing. */

import { show, write } from './dom.js';
import { percent } from './words.js';

const PATIENCE = 2_000; // milliseconds: a short interruption is nobody's business

export class Notes {
  #timer = null;

  constructor(root) {
    this.root = root;
    this.offline = root.querySelector('[data-note="offline"]');
    this.closed = root.querySelector('[data-note="closed"]');
    this.signedOut = root.querySelector('[data-note="signed-out"]');
    document.addEventListener('signed-out', () => this.connection('signed-out'));
  }

  attach(socket) {
    this.offline.querySelector('button').addEventListener('click', () => socket.reconnect());
  }

  /** @param {string} state  @param {string} reason what the operator says of planned work */
  connection(state, reason = '') {
    if (state !== 'waiting') {
      show(this.closed, state === 'closed');
      write(this.closed.querySelector('[data-reason]'), reason);
      clearTimeout(this.#timer);
      this.#timer = null;
      show(this.offline, false);
    } else {
      this.#timer ??= setTimeout(() => show(this.offline, true), PATIENCE);
    }
    if (state === 'signed-out') show(this.signedOut, true);
  }

  workers(workers, waiting) {
    if (!workers) return;
    const { ready, loading, progress, message } = workers;
    const isLoading = !ready && loading > 0;
    const none = this.root.querySelector('[data-note="no-worker"]');
    show(none, !ready && !loading);
    show(none.querySelector('[data-waiting]'), waiting);
    write(none.querySelector('[data-reason]'), message ?? '');
    const note = this.root.querySelector('[data-note="loading"]');
    show(note, isLoading);
    write(note.querySelector('[data-percent]'), percent(progress));
    note.querySelector('progress').value = progress;
  }
}
