/** Gallery and bin: selection, favourites, deleting, pages that join up, and news of pictures made meanwhile. */

import { albumActions } from './albums.js';
import { patch } from './api.js';
import { askForPictures } from './archives.js';
import { chooseDensity } from './density.js';
import { count, deleteAll, deleteCells, lift, restoreCells } from './deletion.js';
import { show, write } from './dom.js';
import { bindKeys } from './keys.js';
import { goLive } from './live.js';
import { Selection } from './selection.js';
import { offerStart } from './start_here.js';
import { toast } from './toast.js';
import { handOver, onArrival } from './way_back.js';

const root = document.querySelector('.gallery');
const selection = new Selection(root, document.getElementById('select'));
chooseDensity(root);
offerStart(root, selection);

// -- favourites --------------------------------------------------------------------------------------------------------

async function mark(cell, favourite) {
  const button = cell.querySelector('.cell__fav');
  const set = (on) => {
    button.setAttribute('aria-pressed', String(on));
    cell.classList.toggle('has-fav', on);
    count('favourites', on ? 1 : -1);
  };
  if ((button.getAttribute('aria-pressed') === 'true') === favourite) return;
  set(favourite);
  try {
    await patch(`images/${cell.dataset.id}`, { favourite });
  } catch (problem) {
    set(!favourite);
    toast(problem.message);
  }
}

root.addEventListener('click', (event) => {
  const button = event.target.closest('.cell__fav');
  if (!button) return;
  event.preventDefault();
  mark(button.closest('.cell'), button.getAttribute('aria-pressed') !== 'true');
});

// -- the bar of the selection ------------------------------------------------------------------------------------------

const bulk = {
  favourite(cells) {
    const on = !cells.every((cell) => cell.classList.contains('has-fav'));
    cells.forEach((cell) => mark(cell, on));
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
  zip(cells) {
    selection.set(false);
    askForPictures(cells);
  },
  ...albumActions(root, selection),
};

root.querySelector('.bulk').addEventListener('click', (event) => {
  const button = event.target.closest('[data-bulk]');
  if (!button) return;
  event.preventDefault();
  bulk[button.dataset.bulk](selection.chosen, button);
});

// -- delete all: the dialog names the number, and wants it typed -------------------------------------------------------

const ask = document.getElementById('delete-all');
if (ask) {
  const typed = ask.querySelector('[name=confirm]');
  const go = ask.querySelector('.btn--danger');
  const check = () => { go.disabled = typed.value.trim() !== typed.dataset.total; };
  typed.addEventListener('input', check);
  document.querySelector('[data-delete-all]')?.addEventListener('click', () => {
    typed.value = '';
    check();
    ask.showModal();
    ask.querySelector('[data-close]').focus();
  });
  ask.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    ask.close();
    deleteAll().catch((problem) => toast(problem.message));
  });
}
document.querySelector('[data-select-all]')?.addEventListener('click', () => selection.all());

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
onArrival({ takeOut, choose: (id) => selection.begin(id) });

// -- pictures made or deleted meanwhile --------------------------------------------------------------------------------

function takeOut(ids) {
  lift(ids.map((id) => root.querySelector(`.cell[data-id="${id}"]`)).filter(Boolean));
}

let made = 0;
const { store } = goLive({
  message(message) {
    if (message.type !== 'images') return;
    takeOut(message.deleted ?? []);
  },
});
store.listen((changes) => {
  const finished = ({ before, after }) => before && before.state !== after.state && after.state === 'succeeded';
  made += changes.filter(finished).length;
  const fresh = document.getElementById('fresh');
  if (!fresh || !made) return;
  write(fresh.querySelector('[data-fresh]'), interpolate(ngettext('%s new picture.', '%s new pictures.', made), [made]));
  show(fresh, true);
});
selection.show();
