/** *Use as start* in the bar of the selection: for exactly one picture, where the loaded model can start from one. */

import { get } from './api.js';
import { attribute, show } from './dom.js';

/** The model is asked about when it first matters: most visits to the gallery never do. */
export function offerStart(root, selection) {
  const link = root.querySelector('[data-start]');
  if (!link) return; // in the bin
  let asked = null;
  const canStart = () => {
    asked ??= get('models').then(({ models }) => models[0].can_start_from_image).catch(() => {
      asked = null; // the next choice asks again
      return false;
    });
    return asked;
  };
  root.addEventListener('chosen', async () => {
    const one = () => (selection.chosen.length === 1 ? selection.chosen[0] : null);
    const offered = one() && await canStart();
    const cell = offered ? one() : null; // by now
    attribute(link, 'href', cell && `${link.dataset.start}?start=${cell.dataset.id}`);
    show(link, cell);
  });
}
