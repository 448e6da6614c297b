/** Short notes at the foot of the window, and what is read aloud. */

import { clone, isTyping, part, show, write } from './dom.js';
import { focusOn } from './focus.js';

const AFTER_LOAD = 'zimageweb:toast';
const SPOKEN_EVERY = 2_500; // milliseconds
const BURST = 150;

let undoButton = null; // of the note that is up, if it offers to take something back

/**
 * What can be taken back passes `undo`, which Ctrl+Z calls too; other buttons have a label and an action. Either may be
 * asynchronous: that it failed is told in another note.
 * @param {{label?: string, action?: Function, undo?: Function, seconds?: number}} options
 */
export function toast(text, { label = '', action = null, undo = null, seconds = 6 } = {}) {
  const note = clone('t-toast');
  write(part(note, 'text'), text);
  const button = part(note, 'action');
  show(button, undo ?? action);
  write(button, undo ? gettext('Undo') : label);
  announce([text, button.textContent].filter(Boolean).join(' '));
  const region = document.getElementById('toasts');
  note.toggleAttribute('data-undo', Boolean(undo));
  // What offers to take something back gives way to nothing but the next of its kind.
  for (const old of region.querySelectorAll(undo ? '.is-up' : '.is-up:not([data-undo])')) old.remove();
  if (undo) undoButton = button;
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
  button.addEventListener('click', async () => {
    close();
    try {
      await (undo ?? action)();
    } catch (problem) { // the same button offers to try again
      toast(problem.message, { label, action, undo, seconds });
    }
  });
  region.append(note);
  start();
}

/** The note lies at the end of the page: keys reach it from everywhere. */
document.addEventListener('keydown', (event) => {
  const wanted = event.key === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (!wanted || event.defaultPrevented || isTyping(event) || !undoButton?.isConnected) return;
  event.preventDefault();
  undoButton.click();
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

const announcer = document.getElementById('announcer');
let waiting = [];
let timer = null;

/** Say something to people who cannot see the page; a burst is put together, so that nobody is talked over. */
export function announce(text) {
  if (waiting.includes(text)) return;
  waiting.push(text);
  if (timer === null) prepare();
}

/** Words that stand there already are no news: even the same ones are heard once they have been away. */
function prepare() {
  timer = null;
  if (!waiting.length) return;
  announcer.textContent = '';
  timer = setTimeout(speak, BURST);
}

function speak() {
  announcer.textContent = waiting.join(' ');
  waiting = [];
  timer = setTimeout(prepare, SPOKEN_EVERY);
}
