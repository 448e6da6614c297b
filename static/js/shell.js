/** The frame of every page: menus, theme, dialogs, the toast that a deletion on the page before left behind. */

import { csrfToken, post } from './api.js';
import { copy } from './copying.js';
import { focusOn } from './focus.js';
import { startKeys } from './keys.js';
import { takeToastAfterLoad, toast } from './toast.js';

// -- menus: one open at a time, closed by Escape, a click elsewhere or leaving with Tab ---------------------------------

let opener = null; // the button of the menu whose entry has opened a dialog
const openMenus = () => document.querySelectorAll('details.menu[open]');

document.addEventListener('click', (event) => {
  for (const menu of openMenus()) {
    const inside = menu.contains(event.target);
    if (!inside || event.target.closest('.menu__list :is(a, button)')) menu.open = false;
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector('summary').focus();
    event.preventDefault();
  }
});
document.addEventListener('focusout', (event) => {
  const menu = event.target.closest?.('details.menu[open]');
  if (!menu || !event.relatedTarget || menu.contains(event.relatedTarget)) return;
  if (event.relatedTarget.closest('dialog')) opener = menu.querySelector('summary');
  menu.open = false;
});

// -- theme: at once, then remembered by the server ---------------------------------------------------------------------

const root = document.documentElement;

function isDark() {
  if (root.dataset.theme === 'auto') return matchMedia('(prefers-color-scheme: dark)').matches;
  return root.dataset.theme === 'dark';
}

for (const form of document.querySelectorAll('[data-theme-form]')) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const theme = isDark() ? 'light' : 'dark';
    root.dataset.theme = theme;
    const body = new URLSearchParams({ theme });
    const headers = { 'X-CSRFToken': csrfToken(), 'X-Requested-With': 'fetch' };
    fetch(form.action, { method: 'POST', body, headers, redirect: 'manual' }).catch(() => {});
  });
}

// -- time zone: from the next page on the server writes days and hours as the reader's clock shows them ----------------

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === 'https:' ? '; secure' : '';
document.cookie = `timezone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;

// -- dialogs: a click on the scrim closes ------------------------------------------------------------------------------

/** The dialog is the target of what happens on its own padding, too. */
function isOnScrim(dialog, { target, clientX: x, clientY: y }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return target === dialog && (x < left || x > right || y < top || y > bottom);
}

for (const dialog of document.querySelectorAll('dialog.ask')) {
  let pressed = false;
  dialog.addEventListener('pointerdown', (event) => { pressed = isOnScrim(dialog, event); });
  dialog.addEventListener('click', (event) => pressed && isOnScrim(dialog, event) && dialog.close());
  // The dialog itself would give the focus back to the entry, which is hidden with its menu.
  dialog.addEventListener('close', () => {
    if (opener) focusOn(opener);
    opener = null;
  });
  for (const button of dialog.querySelectorAll('[data-close]')) button.addEventListener('click', () => dialog.close());
}

// -- copying -----------------------------------------------------------------------------------------------------------

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-copy]');
  if (button) copy(button.dataset.copy);
});

startKeys();

const left = takeToastAfterLoad();
if (left) {
  const undo = async () => {
    await post('images/restore', { ids: left.ids });
    location.reload();
  };
  toast(left.text, { undo: left.ids && undo, seconds: 10 });
}
