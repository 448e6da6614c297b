/** To the bin and back: cells leave at once, and Undo puts them where they were. */

import { post } from './api.js';
import { changing, inChunks } from './changes.js';
import { count } from './counts.js';
import { showWhatIsThere } from './days.js';
import { isMarked } from './hearts.js';
import { bringBack, lift } from './lifting.js';
import { toast } from './toast.js';
import { inBin } from './words.js';

const backInGallery = (number) => {
  const words = ngettext('%s picture is back in the gallery.', '%s pictures are back in the gallery.', number);
  return interpolate(words, [number]);
};

function takeAllOut() {
  document.getElementById('pictures').replaceChildren();
  showWhatIsThere();
}

/** @param {HTMLElement[]} cells */
export async function deleteCells(cells) {
  const ids = cells.map((cell) => cell.dataset.id);
  const favourites = cells.filter(isMarked).length;
  const adjust = (by) => {
    count('total', -by * cells.length);
    count('favourites', -by * favourites);
    count('here', -by * cells.length);
    count('bin', by * cells.length);
  };
  const undone = () => {
    bringBack(ids);
    adjust(-1);
  };
  lift(cells);
  adjust(1);
  try {
    await inChunks('images/delete', ids);
  } catch (problem) {
    undone();
    toast(problem.message);
    return;
  }
  const undo = async () => {
    await inChunks('images/restore', ids);
    undone();
  };
  toast(inBin(cells.length), { undo, seconds: 10 });
}

/** Everything, if it still is as many as the person was told. */
export async function deleteAll(expected) {
  const { deleted } = await changing(() => post('images/delete', { all: true, expected }));
  const undo = async () => {
    await inChunks('images/restore', deleted);
    location.reload();
  };
  takeAllOut();
  toast(inBin(deleted.length), { undo, seconds: 20 });
}

export async function restoreCells(cells) {
  const ids = cells.map((cell) => cell.dataset.id);
  lift(cells);
  try {
    await inChunks('images/restore', ids);
    count('bin', -cells.length);
    toast(backInGallery(cells.length));
  } catch (problem) {
    bringBack(ids);
    toast(problem.message);
  }
}

/** The whole bin, further pages too. */
export async function restoreAll() {
  const { restored } = await changing(() => post('images/restore', { all: true }));
  takeAllOut();
  count('bin', -restored.length);
  toast(backInGallery(restored.length));
}
