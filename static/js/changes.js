/** Changes to pictures under way. Once the last is over the event `changed` says so: what the page shows may be wrong. */

import { post } from './api.js';

export const MOST_IDS = 1000; // what one request may name

let under = 0;
let begun = 0;
let failed = false;

/** The same value before and after a question means: no change lay in between. None while one is under way. */
export const moment = () => (under ? null : begun);

/** Await `work`, which changes pictures. */
export async function changing(work) {
  under += 1;
  begun += 1;
  let isDone = false;
  try {
    const answer = await work();
    isDone = true;
    return answer;
  } finally {
    under -= 1;
    failed ||= !isDone;
    if (!under) {
      document.dispatchEvent(new CustomEvent('changed', { detail: { failed } }));
      failed = false;
    }
  }
}

/** Send `ids`, however many, with what else is said of them; the answers. */
export function inChunks(path, ids, more = {}) {
  return changing(async () => {
    const answers = [];
    for (let start = 0; start < ids.length; start += MOST_IDS) {
      answers.push(await post(path, { ...more, ids: ids.slice(start, start + MOST_IDS) }));
    }
    return answers;
  });
}
