/** Reuse the settings of a picture file, chosen or dropped anywhere on the page. What had to be changed is told. */

import { upload } from './api.js';
import { clone, show, write } from './dom.js';
import { announce, toast } from './toast.js';

/** `start` takes what is dropped onto its field, and is offered pictures that tell no settings. */
export function readPictures(form, fill, start) {
  const button = form.querySelector('[data-picture]');
  const picker = form.querySelector('[data-picture-file]');
  const banner = form.querySelector('[data-notes]');
  let newest = 0;

  async function read(file, target) {
    if (start.field?.contains(target)) {
      start.bring(file);
      return;
    }
    const turn = ++newest;
    show(banner, false);
    if (file.size > Number(picker.dataset.largest)) {
      toast(gettext('This file is too large for a picture.'), { seconds: 8 });
      return;
    }
    button.setAttribute('aria-busy', 'true');
    try {
      const { notes, source, ...told } = await upload('settings/from-image', file);
      if (turn !== newest) return; // another picture came meanwhile
      // What the picture does not tell stays as it is, but for the seed: an old one would belong to another picture.
      const known = Object.entries(told).filter(([name, value]) => value !== null || name === 'seed');
      fill(Object.fromEntries(known));
      tell(interpolate(gettext('Settings taken from %(name)s (%(source)s).'), { name: file.name, source }, true), notes);
    } catch (problem) {
      const offer = start.field && problem.code === 'no_settings'
        && { label: gettext('Start from it'), action: () => start.bring(file) };
      if (turn === newest) toast(problem.message, { ...offer, seconds: 8 });
    } finally {
      if (turn === newest) button.removeAttribute('aria-busy');
    }
  }

  function tell(title, notes) {
    write(banner.querySelector('[data-notes-title]'), title);
    banner.querySelector('ul').replaceChildren(...notes.map((note) => {
      const line = clone('t-note');
      write(line, note);
      return line;
    }));
    show(banner, true);
    banner.scrollIntoView({ block: 'nearest' });
    announce([title, ...notes].join(' '));
  }

  button.addEventListener('click', () => picker.click());
  picker.addEventListener('change', () => {
    if (picker.files.length) read(picker.files[0]);
    picker.value = ''; // the same file may be chosen again
  });
  banner.querySelector('[data-notes-close]').addEventListener('click', () => {
    show(banner, false);
    button.focus();
  });
  acceptDrops(form, read);
  return { forget: () => show(banner, false) };
}

/** Files from outside. A picture that is dragged within the page is a preview without settings, and stays what it is. */
function acceptDrops(form, read) {
  let fromHere = false;
  const mark = (on) => form.classList.toggle('is-drop', on);
  const carriesFile = (event) => !fromHere && event.dataTransfer?.types.includes('Files');

  document.addEventListener('dragstart', () => { fromHere = true; });
  // A dragged tile that the feed replaces meanwhile tells no end, but the next press comes after it.
  for (const over of ['dragend', 'pointerdown']) document.addEventListener(over, () => { fromHere = false; });
  document.addEventListener('dragover', (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault(); // or the browser would open the file in place of the page
    event.dataTransfer.dropEffect = 'copy';
    mark(true);
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener('drop', (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    mark(false);
    const [file] = event.dataTransfer.files;
    if (file) read(file, event.target);
  });
}
