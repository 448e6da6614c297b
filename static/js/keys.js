/**
 * Single-key shortcuts. They rest while somebody types or a dialog is open, and can be switched off (WCAG 2.1.4): the
 * server keeps that with the person and says it in `<body data-keys>`. Whatever listens to a single key is bound here.
 */

import { csrfToken } from './api.js';
import { isTyping } from './dom.js';
import { toast } from './toast.js';

const bindings = new Map();
const MAY_BE_HELD = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', '+', '=', '-']);

/** @param {Record<string, Function>} keys by `event.key`; `Shift+D` for capitals that must not be meant by chance */
export function bindKeys(keys) {
  for (const [key, action] of Object.entries(keys)) bindings.set(key, action);
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event) || document.body.dataset.keys === 'off' || document.querySelector('dialog[open]')) return;
  if (event.repeat && !MAY_BE_HELD.has(event.key)) return; // one press deletes one picture
  const action = bindings.get(event.key);
  if (action && action(event) !== false) event.preventDefault();
}

async function remember(toggle) {
  document.body.dataset.keys = toggle.checked ? 'on' : 'off';
  const body = new URLSearchParams({ keys: document.body.dataset.keys });
  const headers = { 'X-CSRFToken': csrfToken() };
  try {
    const answer = await fetch(toggle.form.action, { method: 'POST', body, headers, redirect: 'manual' });
    if (answer.status !== 204) throw new Error(answer.statusText);
  } catch {
    toast(gettext('This could not be saved; it holds until the page is left.'));
  }
}

export function startKeys() {
  document.addEventListener('keydown', onKey);
  const dialog = document.getElementById('keys');
  if (!dialog) return;
  const toggle = dialog.querySelector('[data-keys-on]');
  toggle.addEventListener('change', () => remember(toggle));
  bindKeys({ '?': () => dialog.showModal() });
  for (const opener of document.querySelectorAll('[data-open-keys]')) {
    opener.hidden = false;
    opener.addEventListener('click', () => dialog.showModal());
  }
}
