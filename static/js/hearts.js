/** Favourites in the gallery: the heart of each cell, and marking many at once. */

import { inChunks } from './changes.js';
import { count } from './counts.js';
import { attribute } from './dom.js';
import { toast } from './toast.js';

export const isMarked = (cell) => cell.classList.contains('has-fav');

/** Show the heart, or show none. */
export function setHeart(cell, on) {
  cell.classList.toggle('has-fav', on);
  attribute(cell.querySelector('.cell__fav'), 'aria-pressed', String(on));
}

/** Mark pictures or unmark them. @param {HTMLElement[]} cells */
export async function mark(cells, favourite) {
  const others = cells.filter((cell) => isMarked(cell) !== favourite);
  const set = (on) => {
    for (const cell of others) setHeart(cell, on);
    count('favourites', on ? others.length : -others.length);
  };
  set(favourite);
  try {
    await inChunks('images/favourite', others.map((cell) => cell.dataset.id), { favourite });
  } catch (problem) {
    set(!favourite);
    toast(problem.message);
  }
}
