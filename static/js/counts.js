/** The numbers beside headings and chips: `data-count` names what each counts. The event `counted` tells of changes. */

import { show, write } from './dom.js';

const all = (name) => document.querySelectorAll(`[data-count="${name}"]`);
const tell = () => document.dispatchEvent(new Event('counted'));

export const counted = (name) => Number(all(name)[0]?.textContent ?? 0);

/** Add to a number: `count('bin', 3)`. */
export function count(name, by) {
  for (const element of all(name)) write(element, Math.max(0, Number(element.textContent) + by));
  tell();
}

/** The numbers as the server knows them; `here` is the album that the page shows, if it shows one. */
export function setCounts({ kept, favourites, in_bin: bin, archives, albums }, here) {
  const numbers = { total: kept, favourites, bin, archives };
  for (const [album, number] of Object.entries(albums)) numbers[album === here ? 'here' : `album-${album}`] = number;
  for (const [name, number] of Object.entries(numbers)) for (const element of all(name)) write(element, number);
  show(document.querySelector('[data-archives]'), archives);
  tell();
}
