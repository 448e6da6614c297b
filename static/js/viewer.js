/** One picture: keys, favourite, bin, details, and the neighbours loaded ahead. */

import { albumsOf } from './albums.js';
import { patch, post } from './api.js';
import { attribute } from './dom.js';
import { followGestures } from './gestures.js';
import { bindKeys } from './keys.js';
import { toast, toastAfterLoad } from './toast.js';
import { handOver, isGalleryBehind, noteChosen, takeOver } from './way_back.js';
import { inBin } from './words.js';
import { Zoom } from './zoom.js';

const PANEL = 'zimageweb:panel';
const viewer = document.querySelector('.viewer');
const { id } = viewer.dataset;
const find = (selector) => viewer.querySelector(selector);
const narrow = matchMedia('(max-width: 860px)');

// -- going on and back: neighbours take this page's place, so that Back leads to the gallery ---------------------------

takeOver();

function turnTo(address) {
  if (isGalleryBehind()) handOver(address);
  location.replace(address);
}

function go(rel) {
  const link = find(`[rel="${rel}"]`);
  if (!link) return false;
  turnTo(link.href);
  return true;
}

function back() {
  if (isGalleryBehind()) history.back();
  else location.assign(find('[data-back]').href);
}

viewer.addEventListener('click', (event) => {
  const link = event.target.closest('[data-back], [rel="prev"], [rel="next"], .strip a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.matches('[data-back]')) back();
  else turnTo(link.href);
});
addEventListener('load', () => {
  for (const link of viewer.querySelectorAll('[data-preload]')) new Image().src = link.dataset.preload;
});
find('.strip [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

// -- favourite and bin -------------------------------------------------------------------------------------------------

const heart = find('[data-favourite]');

async function toggleFavourite() {
  const on = heart.getAttribute('aria-pressed') !== 'true';
  attribute(heart, 'aria-pressed', String(on));
  try {
    await patch(`images/${id}`, { favourite: on });
  } catch (problem) {
    attribute(heart, 'aria-pressed', String(!on));
    toast(problem.message);
  }
}

async function moveToBin() {
  try {
    await post('images/delete', { ids: [id] });
  } catch (problem) {
    toast(problem.message);
    return;
  }
  toastAfterLoad({ text: inBin(1), ids: [id] });
  if (!go('next') && !go('prev')) location.replace(find('[data-back]').href);
}

heart?.closest('form').addEventListener('submit', (event) => {
  event.preventDefault();
  toggleFavourite();
});
find('[data-delete]')?.closest('form').addEventListener('submit', (event) => {
  event.preventDefault();
  moveToBin();
});

const albums = find('[data-albums]');
if (albums) albumsOf(id, albums);

// -- details: a column on a desk, folded on a phone --------------------------------------------------------------------

const info = find('[data-info]');

function showPanel(open) {
  viewer.classList.toggle('is-open', open);
  viewer.classList.toggle('no-panel', !open);
  attribute(info, 'aria-pressed', String(open));
}

function togglePanel() {
  const open = info.getAttribute('aria-pressed') !== 'true';
  showPanel(open);
  if (!narrow.matches) localStorage.setItem(PANEL, open ? 'open' : 'closed');
}

showPanel(narrow.matches ? false : localStorage.getItem(PANEL) !== 'closed');
info.addEventListener('click', togglePanel);
find('[data-grip]').addEventListener('click', togglePanel);

// -- enlarging, and swiping (the arrows and the keys do the same) -----------------------------------------------------

const stage = find('[data-stage]');
const picture = stage.querySelector('img');
const zoom = picture && new Zoom(stage, picture, find('[data-zoom]'));
followGestures(stage, zoom, go);
// In the panel these arrows scroll.
const isOnStage = ({ target }) => zoom !== null && !target.closest('.panel');

bindKeys({
  ArrowLeft: () => zoom?.stride(-1, 0) || go('prev'),
  ArrowRight: () => zoom?.stride(1, 0) || go('next'),
  ArrowUp: (event) => isOnStage(event) && zoom.stride(0, -1),
  ArrowDown: (event) => isOnStage(event) && zoom.stride(0, 1),
  '+': () => zoom?.step(1),
  '=': () => zoom?.step(1), // the same key without Shift
  '-': () => zoom?.step(-1),
  0: () => zoom?.reset(),
  Escape: () => zoom?.reset() || back(),
  f: () => (heart ? toggleFavourite() : false),
  i: togglePanel,
  x() {
    noteChosen(id);
    back();
  },
  D: () => find('[data-download]')?.click(),
  Delete: () => (heart ? moveToBin() : false),
});
