/**
 * Back leads to the picture that was left, on whatever page of the gallery it was. Browsers that keep the whole page do
 * that themselves; here is for those that load it anew, which has the first page only.
 */

const KEPT = `zimageweb:place:${location.href}`;

/** @param {HTMLElement} root the gallery */
export function keepPlace(root) {
  addEventListener('pagehide', () => remember(root));
  const place = JSON.parse(sessionStorage.getItem(KEPT));
  const [{ type }] = performance.getEntriesByType('navigation');
  if (place && ['back_forward', 'reload'].includes(type)) goBackTo(root, place);
}

function remember(root) {
  const near = [0, 60, -60].map((by) => document.elementFromPoint(innerWidth / 2, innerHeight / 2 + by)?.closest('.cell'));
  const cell = scrollY > 0 && near.find(Boolean); // whoever was at the top wants to see what is new there
  const place = !cell ? null : {
    id: cell.dataset.id,
    index: [...root.querySelectorAll('.cell')].indexOf(cell), // the next one stands there, should this one be gone
    top: cell.getBoundingClientRect().top,
  };
  sessionStorage.setItem(KEPT, JSON.stringify(place));
}

/** Load pages until the picture is there. Whoever begins to scroll meanwhile is left alone. */
function goBackTo(root, { id, index, top }) {
  history.scrollRestoration = 'manual'; // the browser would go to where this place was on a page of another height
  const over = new AbortController();
  const { signal } = over;
  for (const type of ['wheel', 'touchstart', 'keydown']) addEventListener(type, () => over.abort(), { signal });
  const look = () => {
    const cells = root.querySelectorAll('.cell');
    const cell = root.querySelector(`.cell[data-id="${id}"]`) ?? cells[index];
    const more = root.querySelector('.more');
    if (!cell && more) {
      more.dispatchEvent(new Event('intersect')); // what its `hx-trigger` waits for
      return;
    }
    over.abort();
    if (!cell) return;
    root.classList.add('is-laid-out'); // else days that have not been shown yet count with a height that is a guess
    scrollBy({ top: cell.getBoundingClientRect().top - top, behavior: 'instant' });
    requestAnimationFrame(() => requestAnimationFrame(() => root.classList.remove('is-laid-out')));
  };
  document.body.addEventListener('htmx:afterSettle', look, { signal });
  document.body.addEventListener('htmx:responseError', () => over.abort(), { signal });
  document.addEventListener('DOMContentLoaded', look, { signal }); // by then htmx knows the page
}
