/**
 * The way from the viewer back to the very page of the gallery that it was opened from, at its place there.
 *
 * Whether that page lies right behind is a fact of this entry of the browser's history, and kept with it. The address
 * that is about to be opened is handed over, so that whatever else is opened later does not take it for its own.
 */

const OPENING = 'zimageweb:opening';
const GONE = 'zimageweb:gone';
const CHOSEN = 'zimageweb:chosen';

/** Call before the viewer opens `address` from the gallery, or from a viewer page whose place it takes. */
export function handOver(address) {
  sessionStorage.setItem(OPENING, address);
}

/** Call once on a page of the viewer. */
export function takeOver() {
  const isMeant = sessionStorage.getItem(OPENING) === location.href;
  sessionStorage.removeItem(OPENING);
  if (isMeant) history.replaceState({ ...history.state, isGalleryBehind: true }, '');
}

export function isGalleryBehind() {
  return Boolean(history.state?.isGalleryBehind);
}

// -- what the gallery is to know when it is seen again: it may show what has gone, for the browser has kept the page ---

const gone = () => JSON.parse(sessionStorage.getItem(GONE) ?? '[]');

export function noteGone(ids) {
  sessionStorage.setItem(GONE, JSON.stringify([...gone(), ...ids]));
}

export function noteBack(ids) {
  sessionStorage.setItem(GONE, JSON.stringify(gone().filter((id) => !ids.includes(id))));
}

export function noteChosen(id) {
  sessionStorage.setItem(CHOSEN, id);
}

/** @param {{takeOut: (ids: string[]) => void, choose: (id: string) => void}} gallery hears it whenever it is shown */
export function onArrival({ takeOut, choose }) {
  addEventListener('pageshow', ({ persisted }) => {
    const isKept = persisted || performance.getEntriesByType('navigation')[0]?.type === 'back_forward';
    const [ids, chosen] = [gone(), sessionStorage.getItem(CHOSEN)];
    sessionStorage.removeItem(GONE);
    sessionStorage.removeItem(CHOSEN);
    if (isKept) takeOut(ids); // a page that is loaded anew knows
    if (chosen) choose(chosen);
  });
}
