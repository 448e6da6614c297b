/** Joins store, socket and the shell (badge, quota ring): what every page with live pictures starts. */

import { get } from './api.js';
import { tellOfArchive } from './archives.js';
import { LiveSocket } from './socket.js';
import { Store } from './store.js';
import { showActive, showUsage } from './standing.js';

/**
 * @param {{bootstrap?: object, connection?: Function, message?: Function}} options
 *   connection(state, reason) hears of 'open', 'waiting', 'signed-out', 'closed'; message(message) of every message after the store did.
 */
export function goLive({ bootstrap, connection = () => {}, message: pass = () => {} } = {}) {
  const store = new Store();
  store.listen(() => {
    if (store.usage) showUsage(store.usage);
    showActive(store.active.length);
  });
  if (bootstrap) store.load(bootstrap);

  async function catchUp() {
    try {
      const { items } = await get('generations?feed=true');
      store.load({ generations: items });
    } catch { /* the next snapshot or head tries again */ }
  }

  /** What ended unheard may be on a page of the feed long past: ask for each by its number. */
  async function lookUp(missing) {
    for (const { id } of missing) {
      try {
        store.merge(await get(`generations/${id}`));
      } catch { /* likewise */ }
    }
  }

  const receive = {
    snapshot(message) {
      const missing = store.missingFrom(message.generations);
      store.load(message);
      lookUp(missing);
    },
    generation: (message) => store.merge(message.generation),
    preview: (message) => store.preview(message),
    queue: (message) => store.line(message),
    usage: (message) => store.spend(message.usage),
    archive: (message) => tellOfArchive(message.archive),
    head: (message) => message.seq > store.seq && socket.reconnect(),
    images(message) {
      if (message.deleted.length) store.forgetImages(message.deleted);
      if (message.restored.length) catchUp();
    },
  };

  const socket = new LiveSocket('/ws/generations/', {
    message(message) {
      receive[message.type]?.(message);
      pass(message);
    },
    state: connection,
  });
  return { store, socket, catchUp };
}
