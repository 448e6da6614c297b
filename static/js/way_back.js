/**
 * The way from the viewer back to the very page of the gallery that it was opened from, at its place there.
 * What has been done in the viewer the gallery learns as it learns of everything that is done elsewhere (elsewhere.js).
 *
 * Whether that page lies right behind is a fact of this entry of the browser's history, and kept with it. The address
 * that is about to be opened is handed over, so that whatever else is opened later does not take it for its own.
 */

const OPENING = 'zimageweb:opening';
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

// -- the picture that the viewer has chosen for the gallery's selection ------------------------------------------------

export function noteChosen(id) {
  sessionStorage.setItem(CHOSEN, id);
}

/** @param {(id: string) => void} choose is called in the gallery whenever that is shown after a picture was chosen */
export function onChosen(choose) {
  addEventListener('pageshow', () => {
    const id = sessionStorage.getItem(CHOSEN);
    sessionStorage.removeItem(CHOSEN);
    if (id) choose(id);
  });
}
