/** Short notes at the foot of the window, and what is read aloud. */

import { clone, isTyping, part, show, write } from './dom.js';
import { focusOn } from './focus.js';

const AFTER_LOAD = 'zimageweb:toast';
const SPOKEN_EVERY = 2_500; // milliseconds

let undo = null; // what the note that is up offers to take back

/** @param {{label?: string, action?: Function, seconds?: number}} options */
export function toast(text, { label = '', action = null, seconds = 6 } = {}) {
  const note = clone('t-toast');
  write(part(note, 'text'), text);
  const button = part(note, 'action');
  show(button, action);
  write(button, label);
  const region = document.getElementById('toasts');
  region.querySelectorAll('.is-up').forEach((old) => old.remove());
  undo = label === gettext('Undo') ? button : null;
  let timer = null;
  let before = null; // who had the focus before the note
  const close = () => {
    clearTimeout(timer);
    const held = note.contains(document.activeElement);
    note.remove();
    if (held) focusOn(before);
  };
  note.addEventListener('focusin', ({ relatedTarget }) => {
    if (!note.contains(relatedTarget)) before = relatedTarget;
  });
  const start = () => { timer = setTimeout(close, seconds * 1000); };
  // Whoever reads or reaches for it gets the time to do so.
  for (const type of ['pointerenter', 'focusin']) note.addEventListener(type, () => clearTimeout(timer));
  for (const type of ['pointerleave', 'focusout']) note.addEventListener(type, start);
  part(note, 'close').addEventListener('click', close);
  button.addEventListener('click', () => {
    close();
    action();
  });
  region.append(note);
  start();
}

/** The note lies at the end of the page: keys reach it from everywhere. */
document.addEventListener('keydown', (event) => {
  const wanted = event.key === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (!wanted || event.defaultPrevented || isTyping(event) || !undo?.isConnected) return;
  event.preventDefault();
  undo.click();
});

/** Show a toast on the next page: `{text, ids}` offers to undo the deletion of those images. */
export function toastAfterLoad(note) {
  sessionStorage.setItem(AFTER_LOAD, JSON.stringify(note));
}

export function takeToastAfterLoad() {
  const note = sessionStorage.getItem(AFTER_LOAD);
  sessionStorage.removeItem(AFTER_LOAD);
  return note && JSON.parse(note);
}

let waiting = [];
let timer = null;

/** Say something to people who cannot see the page; a burst is put together, so that nobody is talked over. */
export function announce(text) {
  if (waiting.includes(text)) return;
  waiting.push(text);
  timer ??= setTimeout(speak, 150);
}

function speak() {
  if (!waiting.length) {
    timer = null;
    return;
  }
  write(document.getElementById('announcer'), waiting.join(' '));
  waiting = [];
  timer = setTimeout(speak, SPOKEN_EVERY);
}
