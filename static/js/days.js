/** The gallery's days: the numbers beside them, which count pictures of further pages too, and those without pictures. */

import { show, write } from './dom.js';
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
