/** Delete all: the dialog names the number, follows it while it is open, and wants it typed. */

import { counted } from './counts.js';
import { deleteAll } from './deletion.js';
import { write } from './dom.js';
import { toast } from './toast.js';

/** @param {Function} refresh brings the page's numbers up to date */
export function askBeforeDeletingAll(refresh) {
  const dialog = document.getElementById('delete-all');
  if (!dialog) return;
  const typed = dialog.querySelector('[name=confirm]');
  const go = dialog.querySelector('.btn--danger');
  const check = () => { go.disabled = typed.value.trim() !== String(counted('total')); };
  const tell = () => {
    const total = counted('total');
    const title = ngettext('Delete %s picture?', 'Delete all %s pictures?', total);
    write(dialog.querySelector('h2'), interpolate(title, [total]));
    write(dialog.querySelector('label'), interpolate(gettext('Type %s to confirm'), [total]));
    write(go, interpolate(ngettext('Delete %s', 'Delete all %s', total), [total]));
    check();
  };
  typed.addEventListener('input', check);
  document.addEventListener('counted', tell);
  document.querySelector('[data-delete-all]')?.addEventListener('click', () => {
    typed.value = '';
    tell();
    refresh();
    dialog.showModal();
    dialog.querySelector('[data-close]').focus();
  });
  dialog.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    dialog.close();
    deleteAll(Number(typed.value)).catch((problem) => toast(problem.message));
  });
}
