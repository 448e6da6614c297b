/** Gallery and bin: selection, favourites, deleting, pages that join up, and news of pictures made meanwhile. */

import { albumActions } from './albums.js';
import { askForPictures } from './archives.js';
import { askBeforeDeletingAll } from './delete_all.js';
import { deleteCells, restoreAll, restoreCells } from './deletion.js';
import { chooseDensity } from './density.js';
import { show, write } from './dom.js';
import { Elsewhere } from './elsewhere.js';
import { isMarked, mark } from './hearts.js';
import { bindKeys } from './keys.js';
import { goLive } from './live.js';
import { Notes } from './notes.js';
import { keepPlace } from './place.js';
import { Selection } from './selection.js';
import { offerStart } from './start_here.js';
import { toast } from './toast.js';
import { handOver, onChosen } from './way_back.js';

const root = document.querySelector('.gallery');
// Scripts need no form around the pictures, and a form goes through all of its controls whenever further ones come.
document.getElementById('selection').before(document.getElementById('pictures'));
const selection = new Selection(root, document.getElementById('select'));
chooseDensity(root);
offerStart(root, selection);
keepPlace(root);

// -- favourites --------------------------------------------------------------------------------------------------------

root.addEventListener('click', (event) => {
  const button = event.target.closest('.cell__fav');
  if (!button) return;
  event.preventDefault();
  mark([button.closest('.cell')], button.getAttribute('aria-pressed') !== 'true');
});

// -- the bar of the selection ------------------------------------------------------------------------------------------

const bulk = {
  favourite(cells) {
    mark(cells, !cells.every(isMarked));
  },
  download(cells) {
    for (const { dataset } of cells) {
      const link = document.createElement('a');
      link.href = `${dataset.file}?download=1`;
      link.download = dataset.name;
      link.click();
    }
  },
  delete(cells) {
    selection.set(false);
    deleteCells(cells);
  },
  restore(cells) {
    selection.set(false);
    restoreCells(cells);
  },
  clear: () => selection.set(false),
  async zip(cells) {
    if (await askForPictures(cells)) selection.set(false);
  },
  ...albumActions(root, selection),
};

root.querySelector('.bulk').addEventListener('click', (event) => {
  const button = event.target.closest('[data-bulk]');
  if (!button) return;
  event.preventDefault();
  bulk[button.dataset.bulk](selection.chosen, button);
});

document.querySelector('[data-select-all]')?.addEventListener('click', () => selection.all());
document.querySelector('[data-restore-all]')?.addEventListener('click', async () => {
  selection.set(false);
  try {
    await restoreAll();
  } catch (problem) {
    toast(problem.message);
  }
});

// -- further pages: what continues a day joins its rows ----------------------------------------------------------------

document.body.addEventListener('htmx:afterSettle', () => {
  for (const rows of root.querySelectorAll('.rows[data-continues]')) {
    const before = rows.previousElementSibling;
    if (before?.matches('.rows')) {
      before.append(...rows.children);
      rows.remove();
    } else {
      delete rows.dataset.continues;
    }
  }
  if (selection.isOn) selection.show();
});

// -- keys --------------------------------------------------------------------------------------------------------------

bindKeys({
  '/': () => document.getElementById('q')?.focus(),
  x: () => selection.set(!selection.isOn),
  Delete: () => {
    if (!selection.chosen.length || root.matches('.gallery--bin')) return false;
    bulk.delete(selection.chosen);
    return true;
  },
});

// -- the viewer's way back is this very page, at this place ------------------------------------------------------------

root.addEventListener('click', (event) => {
  const link = event.target.closest('.cell > a');
  if (link && !event.defaultPrevented) handOver(link.href);
});
onChosen((id) => selection.begin(id));

// -- what happened meanwhile: pictures made, and whatever was done elsewhere ---------------------------------------------

let made = 0;
const elsewhere = new Elsewhere(root, () => selection.isOn && selection.show());
const notes = new Notes(document.getElementById('notes'));
const { store, socket } = goLive({
  connection: (...said) => notes.connection(...said),
  message: (message) => elsewhere.hear(message),
});
notes.attach(socket);
askBeforeDeletingAll(() => elsewhere.ask());
document.body.addEventListener('htmx:responseError', ({ detail }) => {
  if (detail.xhr.status === 401) document.dispatchEvent(new Event('signed-out'));
});
store.listen((changes) => {
  const finished = ({ before, after }) => before && before.state !== after.state && after.state === 'succeeded';
  const number = changes.filter(finished).length;
  if (!number) return;
  made += number;
  elsewhere.ask();
  const fresh = document.getElementById('fresh');
  if (!fresh) return;
  write(fresh.querySelector('[data-fresh]'), interpolate(ngettext('%s new picture.', '%s new pictures.', made), [made]));
  show(fresh, true);
});
selection.show();
