/** Single-key shortcuts. They rest while somebody types or a dialog is open, and can be switched off (WCAG 2.1.4). */

import { isTyping } from './dom.js';

const OFF = 'zimageweb:keys-off';
const bindings = new Map();

/** @param {Record<string, Function>} keys by `event.key`; `Shift+D` for capitals that must not be meant by chance */
export function bindKeys(keys) {
  for (const [key, action] of Object.entries(keys)) bindings.set(key, action);
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event) || localStorage.getItem(OFF) || document.querySelector('dialog[open]')) return;
  const action = bindings.get(event.key);
  if (action && action(event) !== false) event.preventDefault();
}

export function startKeys() {
  document.addEventListener('keydown', onKey);
  const dialog = document.getElementById('keys');
  if (!dialog) return;
  const toggle = dialog.querySelector('[data-keys-on]');
  toggle.checked = !localStorage.getItem(OFF);
  toggle.addEventListener('change', () => {
    if (toggle.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, '1');
  });
  bindKeys({ '?': () => dialog.showModal() });
  for (const opener of document.querySelectorAll('[data-open-keys]')) {
    opener.hidden = false;
    opener.addEventListener('click', () => dialog.showModal());
  }
}
