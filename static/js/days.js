/** The numbers beside the gallery's days, which count pictures of further pages too. */

import { write } from './dom.js';
import { pictures } from './words.js';

/** Take cells that are about to leave off the numbers of their days; the answer adds them again. */
export function takeOff(cells) {
  const leaving = new Map();
  for (const cell of cells) {
    const number = cell.closest('.rows')?.previousElementSibling?.querySelector('[data-day-count]');
    if (number) leaving.set(number, (leaving.get(number) ?? 0) + 1);
  }
  const add = (sign) => leaving.forEach((count, number) => tell(number, sign * count));
  add(-1);
  return () => add(1);
}

function tell(number, more) {
  const count = Math.max(0, Number(number.dataset.dayCount) + more);
  number.dataset.dayCount = count;
  write(number.querySelector('.num'), count);
  write(number.querySelector('.vh'), pictures(count));
}
