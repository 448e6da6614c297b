/** Cells that left the page, to the bin mostly: each leaves a mark, and can come back to where it was. */

import { recount, showWhatIsThere } from './days.js';

const away = new Map(); // id → { mark, cell }

export const lifted = () => [...away.keys()];

/** Take cells out of the page. */
export function lift(cells) {
  recount(cells, -1);
  for (const cell of cells) {
    const mark = document.createComment(cell.dataset.id);
    cell.replaceWith(mark);
    away.set(cell.dataset.id, { mark, cell });
  }
  showWhatIsThere();
}

/** Put back those of the pictures `ids` that were lifted here. */
export function bringBack(ids) {
  const back = ids.filter((id) => away.get(id)?.mark.isConnected);
  recount(back.map((id) => {
    const { mark, cell } = away.get(id);
    mark.replaceWith(cell);
    away.delete(id);
    return cell;
  }), 1);
  showWhatIsThere();
}
