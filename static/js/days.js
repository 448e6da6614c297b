/** The gallery's days: the numbers beside them, which count pictures of further pages too, and those without pictures. */

import { show, write } from './dom.js';
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

/** Hide days from which the last picture has gone, and say so where there is none left at all. */
export function showWhatIsThere() {
  const gallery = document.querySelector('.gallery');
  for (const rows of gallery.querySelectorAll('.rows')) {
    const isEmpty = !rows.querySelector('.cell');
    const day = rows.previousElementSibling;
    show(rows, !isEmpty);
    if (day?.matches('.day')) show(day, !isEmpty);
  }
  gallery.classList.toggle('is-empty', !gallery.querySelector('.cell, .more'));
}

function tell(number, more) {
  const count = Math.max(0, Number(number.dataset.dayCount) + more);
  number.dataset.dayCount = count;
  write(number.querySelector('.num'), count);
  write(number.querySelector('.vh'), pictures(count));
}
