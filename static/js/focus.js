/**
 * Focus is never lost: where the element that had it vanishes or is hidden, a neighbour takes over. Without that the
 * browser gives it to <body>, and whoever uses keys or a screen reader starts again at the top of the page.
 */

const FOCUSABLE = ['a[href]', 'button', 'input', 'select', 'textarea']
  .map((name) => `${name}:not(:disabled, [type=hidden])`).concat('summary', '[tabindex="0"]').join();
const NEWS = { childList: true, subtree: true, attributeFilter: ['hidden', 'class', 'open', 'inert'] };

let pending = 0;
let path = []; // from what was focused last up to <body>, each element with its neighbours at that time

const isThere = (element) => element.isConnected && element.checkVisibility({ visibilityProperty: true });

function isInView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** What can be focused in or at `root`: if possible what the person sees now. */
function focusableIn(root) {
  if (!root || !isThere(root)) return null;
  const all = [root, ...root.querySelectorAll(FOCUSABLE)];
  const possible = all.filter((each) => each.matches(FOCUSABLE) && isThere(each) && !each.closest('[inert]'));
  return possible.find(isInView) ?? possible[0] ?? null;
}

/** Focus `element`, or the main part of the page if it is gone. */
export function focusOn(element) {
  (element && isThere(element) ? element : document.getElementById('main'))?.focus();
}

function remember(event) {
  path = [];
  for (let element = event.target; element !== document.body && element; element = element.parentElement) {
    path.push({ element, near: [element.nextElementSibling, element.previousElementSibling] });
  }
}

/** After whoever changed the page has had the chance to say itself where the focus goes, as dialogs that close do. */
function rescue() {
  pending = 0;
  const now = document.activeElement;
  if (!path.length || (now && now !== document.body && isThere(now))) return;
  const steps = path;
  path = [];
  if (isThere(steps[0].element)) return; // it was left on purpose
  for (const { element, near } of steps) {
    const place = isThere(element) ? focusableIn(element) : near.map(focusableIn).find(Boolean);
    if (place) {
      place.focus({ preventScroll: isInView(place) });
      return;
    }
  }
  focusOn(null);
}

document.addEventListener('focusin', remember);
new MutationObserver(() => { pending ||= setTimeout(rescue); }).observe(document.body, NEWS);
