/** To the bin and back: cells leave at once, and Undo puts them where they were. */

import { post } from './api.js';
import { showWhatIsThere, takeOff } from './days.js';
import { write } from './dom.js';
import { toast } from './toast.js';
import { inBin } from './words.js';

const MOST_IDS = 1000; // what one request may name

/** Add to the numbers beside a heading: `count('bin', 3)`. */
export function count(name, by) {
  for (const element of document.querySelectorAll(`[data-count="${name}"]`)) {
    write(element, Math.max(0, Number(element.textContent) + by));
  }
}

export async function inChunks(path, ids) {
  for (let start = 0; start < ids.length; start += MOST_IDS) await post(path, { ids: ids.slice(start, start + MOST_IDS) });
}

/** Take cells out of the page; the answer puts them back. */
export function lift(cells) {
  const countAgain = takeOff(cells);
  const marks = cells.map((cell) => {
    const mark = document.createComment(cell.dataset.id);
    cell.replaceWith(mark);
    return [mark, cell];
  });
  showWhatIsThere();
  return () => {
    marks.forEach(([mark, cell]) => mark.replaceWith(cell));
    showWhatIsThere();
    countAgain();
  };
}

/** @param {HTMLElement[]} cells */
export async function deleteCells(cells) {
  const ids = cells.map((cell) => cell.dataset.id);
  const favourites = cells.filter((cell) => cell.classList.contains('has-fav')).length;
  const back = lift(cells);
  const adjust = (by) => {
    count('total', -by * cells.length);
    count('favourites', -by * favourites);
    count('here', -by * cells.length);
    count('bin', by * cells.length);
  };
  adjust(1);
  try {
    await inChunks('images/delete', ids);
  } catch (problem) {
    back();
    adjust(-1);
    toast(problem.message);
    return;
  }
  const undo = async () => {
    try {
      await inChunks('images/restore', ids);
      back();
      adjust(-1);
    } catch (problem) {
      toast(problem.message);
    }
  };
  toast(inBin(cells.length), { undo, seconds: 10 });
}

/** Everything, after the number has been typed. */
export async function deleteAll() {
  const { deleted } = await post('images/delete', { all: true });
  const undo = async () => {
    await inChunks('images/restore', deleted);
    location.reload();
  };
  document.getElementById('pictures').replaceChildren();
  showWhatIsThere();
  count('total', -deleted.length);
  count('bin', deleted.length);
  for (const element of document.querySelectorAll('[data-count="favourites"]')) write(element, 0);
  toast(inBin(deleted.length), { undo, seconds: 20 });
}

export async function restoreCells(cells) {
  const putBack = lift(cells);
  try {
    await inChunks('images/restore', cells.map((cell) => cell.dataset.id));
    count('bin', -cells.length);
    const back = ngettext('%s picture is back in the gallery.', '%s pictures are back in the gallery.', cells.length);
    toast(interpolate(back, [cells.length]));
  } catch (problem) {
    putBack();
    toast(problem.message);
  }
}
