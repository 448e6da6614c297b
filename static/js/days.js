/** The numbers beside the gallery's days, which count pictures of further pages too. */

import { write } from './dom.js';
import { pictures } from './words.js';

/** Add cells that have come (`sign` 1) to the numbers of their days, or take off those about to leave (-1). */
export function recount(cells, sign) {
  const numbers = new Map();
  for (const cell of cells) {
    const number = cell.closest('.rows')?.previousElementSibling?.querySelector('[data-day-count]');
    if (number) numbers.set(number, (numbers.get(number) ?? 0) + sign);
  }
  numbers.forEach((more, number) => tell(number, more));
}

function tell(number, more) {
  const count = Math.max(0, Number(number.dataset.dayCount) + more);
  number.dataset.dayCount = count;
  write(number.querySelector('.num'), count);
  write(number.querySelector('.vh'), pictures(count));
}
