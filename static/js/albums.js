/** Albums: adding and taking out, in the gallery and in the viewer; making, renaming in place, asking before deleting. */

import { patch, post } from './api.js';
import { MOST_IDS, inChunks } from './changes.js';
import { count } from './counts.js';
import { attribute, show, write } from './dom.js';
import { bringBack, lift } from './lifting.js';
import { announce, toast, toastAfterLoad } from './toast.js';

const tell = (problem) => toast(problem.message);
const idsOf = (cells) => cells.map((cell) => cell.dataset.id);
const added = (number) => interpolate(ngettext('%s picture added.', '%s pictures added.', number), [number]);

/** What the bar of the selection does with albums. */
export function albumActions(root, selection) {
  const here = root.querySelector('.album')?.dataset.album;
  const newAlbum = askForName();
  root.querySelector('[data-new-album]')?.addEventListener('click', (event) => {
    event.preventDefault();
    newAlbum([]);
  });
  if (here) {
    renameInPlace(root, here);
    askBeforeDeleting(root);
  }
  return {
    async album(cells, button) {
      const { album } = button.dataset;
      try {
        const answers = await inChunks(`albums/${album}/images`, idsOf(cells));
        const number = answers.reduce((sum, answer) => sum + answer.count, 0);
        count(`album-${album}`, number);
        for (const cell of cells) cell.querySelector('.expiry')?.remove(); // spared from now on
        selection.set(false);
        toast(added(number));
      } catch (problem) {
        tell(problem);
      }
    },
    newAlbum: (cells) => newAlbum(idsOf(cells)),
    async remove(cells) {
      selection.set(false);
      const ids = idsOf(cells);
      lift(cells);
      count('here', -cells.length);
      const undone = () => {
        bringBack(ids);
        count('here', cells.length);
      };
      try {
        await inChunks(`albums/${here}/images/remove`, ids);
      } catch (problem) {
        undone();
        tell(problem);
        return;
      }
      const undo = () => inChunks(`albums/${here}/images`, ids).then(undone);
      toast(gettext('Taken out of the album.'), { undo, seconds: 10 });
    },
  };
}

/** The dialog for a new album; the answer opens it for the pictures with these ids. */
function askForName() {
  const dialog = document.getElementById('new-album');
  if (!dialog) return () => {};
  const form = dialog.querySelector('form');
  const error = dialog.querySelector('.field__error');
  let ids = [];
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { name } = form.elements;
    try {
      const album = await post('albums', { name: name.value, ids: ids.slice(0, MOST_IDS) });
      const rest = inChunks(`albums/${album.id}/images`, ids.slice(MOST_IDS));
      await rest.catch((problem) => toastAfterLoad({ text: problem.message })); // the album itself is made
      location.assign(album.url);
    } catch (problem) {
      write(error, problem.errors?.[0]?.message ?? problem.message);
      name.setAttribute('aria-invalid', 'true');
      name.focus();
    }
  });
  return (chosen) => {
    ids = chosen;
    form.reset();
    write(error, '');
    form.elements.name.removeAttribute('aria-invalid');
    dialog.showModal();
    form.elements.name.focus();
  };
}

/** Enter or leaving the field keeps the name, Escape takes the old one back. */
function renameInPlace(root, album) {
  const form = root.querySelector('[data-rename]');
  const field = form.elements.name;
  let known = field.defaultValue; // somebody may have typed before this module came
  const rename = async () => {
    const wanted = field.value.trim();
    if (!wanted) field.value = known;
    if (!wanted || wanted === known) return;
    try {
      const { name } = await patch(`albums/${album}`, { name: wanted });
      known = name;
      field.value = name;
      write(root.querySelector(`[data-album-chip="${album}"] [data-album-name]`), name);
      announce(gettext('Renamed.'));
    } catch (problem) {
      toast(problem.errors?.[0]?.message ?? problem.message);
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    rename();
  });
  field.addEventListener('change', rename);
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    field.value = known;
    field.blur();
  });
}

function askBeforeDeleting(root) {
  root.querySelector('[data-delete-album]').addEventListener('click', (event) => {
    event.preventDefault();
    const dialog = document.getElementById('delete-album');
    dialog.showModal();
    dialog.querySelector('[data-close]').focus();
  });
}

/** The albums of one picture, in the viewer. */
export function albumsOf(image, form) {
  const menu = form.querySelector('.menu');
  const toggle = async (button) => {
    const { album } = button.dataset;
    const inside = button.getAttribute('aria-pressed') !== 'true';
    const set = (on) => {
      attribute(button, 'aria-pressed', String(on));
      show(form.querySelector(`[data-album-chip="${album}"]`), on);
    };
    set(inside);
    try {
      await post(`albums/${album}/images${inside ? '' : '/remove'}`, { ids: [image] });
    } catch (problem) {
      set(!inside);
      tell(problem);
    }
  };
  const choose = async (button) => {
    try {
      await patch(`albums/${button.dataset.cover}`, { cover: image });
      toast(gettext('The album has a new cover.'));
    } catch (problem) {
      tell(problem);
    }
  };
  form.addEventListener('submit', (event) => {
    const button = event.submitter;
    if (!button?.dataset.album && !button?.dataset.cover) return;
    event.preventDefault();
    if (button.dataset.cover) choose(button);
    else toggle(button);
    menu.querySelector('summary').focus();
  });
}
