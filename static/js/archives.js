/** ZIP files: asking for one, and the note with its link when it is ready. */

import { post } from './api.js';
import { count } from './counts.js';
import { show } from './dom.js';
import { toast } from './toast.js';

const LONG = 60; // seconds that the note with the link stays

/** Whether it was taken on. */
async function ask(wish) {
  try {
    await post('archives', wish);
    count('archives', 1);
    show(document.querySelector('[data-archives]'), true);
    toast(gettext('The ZIP is being packed. You are told when it is ready.'));
    return true;
  } catch (problem) {
    toast(problem.errors?.[0]?.message ?? problem.message, { seconds: 10 });
    return false;
  }
}

export const askForPictures = (cells) => ask({ ids: cells.map((cell) => cell.dataset.id) });

document.querySelector('[data-zip-album]')?.addEventListener('submit', (event) => {
  event.preventDefault();
  ask({ album: event.target.dataset.zipAlbum });
});

/** Say, on whatever page the person is, that a ZIP is ready or could not be packed. */
export function tellOfArchive(archive) {
  if (archive.state !== 'ready') {
    toast(gettext('The ZIP could not be packed: the pictures are gone, or the disk is full.'), { seconds: 10 });
    return;
  }
  const words = ngettext('A ZIP with %s picture is ready.', 'A ZIP with %s pictures is ready.', archive.count);
  const action = () => {
    const link = document.createElement('a');
    link.href = archive.file;
    link.download = archive.filename;
    link.click();
  };
  toast(interpolate(words, [archive.count]), { label: gettext('Download'), action, seconds: LONG });
}
