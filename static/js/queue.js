/** The queue page: one's own pictures with their words, everybody else's as shapes as long as their work. */

import { get, post } from './api.js';
import { arrange, attribute, clone, embedded, part, show, write } from './dom.js';
import { goLive } from './live.js';
import { Notes } from './notes.js';
import { OwnBatches } from './own.js';
import { delayed, duration } from './words.js';
import { secondsLeft, secondsUntilStart } from './store.js';
import { announce, toast } from './toast.js';

const SHOWN = 200;
const EVERY = 1_500; // milliseconds between looks at the whole queue
const bootstrap = embedded('bootstrap');
const list = document.getElementById('line');
const notes = new Notes(document.getElementById('notes'));
const nodes = new Map(); // key → element
let line = bootstrap.line;

const { store, socket, catchUp } = goLive({
  bootstrap,
  connection(state, reason) {
    notes.connection(state, reason);
    if (state === 'open') look();
  },
  message: (message) => ['queue', 'generation'].includes(message.type) && look(),
});
notes.attach(socket);
const own = new OwnBatches(document.getElementById('own'), {
  store,
  async changed() {
    await catchUp();
    look();
  },
});

let last = 0;
let pending = null;

/** Fetch the queue, at most once in `EVERY`. */
function look() {
  pending ??= setTimeout(async () => {
    last = Date.now();
    try {
      line = await get('queue');
      draw();
    } catch { /* the next tick looks again */ } finally {
      pending = null;
    }
  }, Math.max(0, last + EVERY - Date.now()));
}

function fact(name, value) {
  write(document.querySelector(`[data-fact="${name}"]`), value);
}

/** Four lengths are enough to tell a sketch from a poster. */
function workClass(cost) {
  return `w-${1 + [4, 12, 30].filter((limit) => cost > limit).length}`;
}

function detail(entry, row) {
  if (row?.cancel_requested) return gettext('Stopping…');
  if (entry.state === 'running') {
    const left = row && secondsLeft(row);
    const parts = [gettext('being drawn')];
    if (left) parts.push(interpolate(gettext('about %s left'), [duration(left)]));
    return [...parts, delayed(row?.delay)].filter(Boolean).join(' · ');
  }
  const wait = (row && secondsUntilStart(row)) ?? entry.starts_in; // of one's own: as every other page says it
  if (wait === null) return gettext('waiting');
  const starts = wait < 2 ? gettext('starts now') : interpolate(gettext('starts in about %s'), [duration(wait)]);
  return [starts, delayed(row?.delay)].filter(Boolean).join(' · ');
}

function fill(node, entry) {
  const row = entry.mine ? store.generations.get(entry.generation) : null;
  write(part(node, 'position'), entry.state === 'running' ? '●' : entry.position);
  const words = detail(entry, row);
  if (!entry.mine) {
    const whose = entry.user ?? gettext('Somebody else');
    write(part(node, 'detail'), `${whose} · ${words}`);
    show(part(node, 'cancel'), entry.can_cancel);
    attribute(part(node, 'cancel'), 'aria-label', `${gettext('Cancel')}: ${whose} · ${words}`);
    return;
  }
  const prompt = row?.prompt ?? gettext('Your picture');
  write(part(node, 'prompt'), prompt);
  write(part(node, 'detail'), words);
  const bar = part(node, 'bar');
  show(bar, entry.state === 'running' && row);
  if (row) Object.assign(bar, { max: row.drawn_steps, value: row.step });
  attribute(part(node, 'cancel'), 'aria-label', `${gettext('Cancel')}: ${prompt.slice(0, 80)}`);
}

/** To most people the rows of others have no id: their place among equals stands in for one. */
function nodeFor(entry, index) {
  const key = entry.generation ? `row-${entry.generation}` : `other-${index}`;
  if (!nodes.has(key)) {
    const node = clone(entry.mine ? 't-mine' : 't-other');
    const path = `${entry.mine ? 'generations' : 'queue'}/${entry.generation}/cancel`;
    part(node, 'cancel').addEventListener('click', () => cancel(path));
    nodes.set(key, node);
  }
  const node = nodes.get(key);
  if (!entry.mine) part(node, 'work').className = `entry__work ${workClass(entry.cost)}`;
  fill(node, entry);
  return node;
}

function draw() {
  const entries = [...line.running, ...line.entries];
  let others = 0;
  const wanted = entries.slice(0, SHOWN).map((entry) => nodeFor(entry, entry.mine ? 0 : others++));
  const kept = new Set(wanted);
  for (const [key, node] of nodes) if (!kept.has(node)) nodes.delete(key);
  arrange(list, wanted);
  own.draw();
  const rest = document.getElementById('rest');
  const total = line.length + line.running.length;
  show(rest, total > wanted.length);
  write(rest, interpolate(gettext('and %s more'), [total - wanted.length]));
  show(document.getElementById('empty'), !entries.length);
  show(document.getElementById('cancel-all'), entries.some((entry) => entry.mine));
  fact('length', line.length);
  fact('running', line.running.length);
  fact('eta', line.eta_seconds ? duration(line.eta_seconds) : '–');
  fact('workers', line.workers.ready);
}

async function cancel(path) {
  try {
    await post(path);
    announce(gettext('Cancelled.'));
    await catchUp();
    look();
  } catch (problem) {
    toast(problem.message);
  }
}

document.getElementById('cancel-all').addEventListener('click', () => cancel('generations/cancel'));
store.listen(() => {
  notes.workers(store.queue.workers, store.active.length > 0);
  draw();
});
notes.workers(store.queue.workers, store.active.length > 0);
draw();
