/** One generation as a tile: finished picture, picture being drawn, or a place that waits. */

import { attribute, clone, part, show, write } from './dom.js';

const TEMPLATES = { succeeded: 't-tile-done', running: 't-tile-live', queued: 't-tile-wait' };

/** Django's classes know the usual shapes; any other size sets its own. */
function setShape(tile, { width, height }) {
  tile.style.setProperty('--ar', (width / height).toFixed(4));
}

function fillDone(tile, { image }) {
  const link = part(tile, 'link');
  attribute(link, 'href', image.url);
  const picture = part(tile, 'image');
  attribute(picture, 'src', image.thumbnails['512']);
  attribute(picture, 'alt', image.prompt);
  attribute(picture, 'width', image.width);
  attribute(picture, 'height', image.height);
}

function fillLive(tile, generation, preview) {
  const picture = part(tile, 'image');
  show(picture, preview);
  if (preview) attribute(picture, 'src', preview);
  const stopping = generation.cancel_requested;
  write(part(tile, 'step'), stopping ? gettext('Stopping…') : `${generation.step} / ${generation.drawn_steps}`);
  const bar = part(tile, 'bar');
  bar.max = generation.drawn_steps;
  bar.value = generation.step;
}

/** Update `old` if it still fits, else make another. `place` is 0 for the batch's next picture; `isOneOfSeveral` tells
 *  whether anything but this picture of its batch can still be cancelled. */
export function tileFor(old, generation, { preview, place, isOneOfSeveral }) {
  const fits = old && old.dataset.state === generation.state;
  const tile = fits ? old : clone(TEMPLATES[generation.state]);
  if (!fits) {
    tile.dataset.state = generation.state;
    tile.dataset.generation = generation.id;
    setShape(tile, generation);
  }
  if (generation.state === 'succeeded') fillDone(tile, generation);
  else if (generation.state === 'running') fillLive(tile, generation, preview);
  else write(part(tile, 'text'), place === 0 ? gettext('Next') : gettext('Then'));
  show(part(tile, 'cancel-one'), isOneOfSeveral && !generation.cancel_requested);
  return tile;
}
