/** What mouse, fingers and wheel do on the viewer's stage: enlarge the picture there, move it, go on to the next. */

const SLIP = 8; // pixels; a finger that taps does not stand still
const DOUBLE_TAP = 300; // milliseconds
const FAR = 60; // pixels; less is no swipe
const MOST = 120; // pixels of one turn of the wheel that count

const distance = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
const middle = (one, other) => ({
  clientX: (one.clientX + other.clientX) / 2,
  clientY: (one.clientY + other.clientY) / 2,
});

/**
 * @param {HTMLElement} stage
 * @param {import('./zoom.js').Zoom|null} zoom none where there is no picture
 * @param {(rel: 'prev'|'next') => void} swiped only while the whole picture is shown
 */
export function followGestures(stage, zoom, swiped) {
  const held = new Map(); // each finger or pressed button as it was last heard of
  let start = null; // of what may become a tap or a swipe
  let tap = null; // the one before

  stage.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || visualViewport.scale > 1) return;
    held.set(event.pointerId, event);
    start = held.size === 1 ? event : null;
    stage.setPointerCapture(event.pointerId);
    if (zoom?.isIn || held.size > 1) stage.classList.add('is-held');
  });

  stage.addEventListener('pointermove', (event) => {
    const before = held.get(event.pointerId);
    if (!before || !zoom) return;
    held.set(event.pointerId, event);
    const other = [...held.values()].find((each) => each.pointerId !== event.pointerId);
    if (other) pinched(before, event, other);
    else if (zoom.isIn) zoom.move(event.clientX - before.clientX, event.clientY - before.clientY);
  });

  for (const type of ['pointerup', 'pointercancel']) {
    stage.addEventListener(type, (event) => {
      if (!held.delete(event.pointerId) || held.size) return;
      stage.classList.remove('is-held');
      if (!start) zoom?.settle();
      else if (type === 'pointerup') ended(event);
      start = null;
    });
  }

  function pinched(before, after, other) {
    const [from, to] = [middle(before, other), middle(after, other)];
    zoom.by(distance(after, other) / Math.max(1, distance(before, other)), from);
    zoom.move(to.clientX - from.clientX, to.clientY - from.clientY);
  }

  function ended(event) {
    const [across, down] = [event.clientX - start.clientX, event.clientY - start.clientY];
    if (Math.hypot(across, down) < SLIP) {
      if (start.target === zoom?.picture) tapped(event);
    } else if (event.pointerType === 'touch' && !zoom?.isIn) {
      if (Math.abs(across) > FAR && Math.abs(across) > 2 * Math.abs(down)) swiped(across < 0 ? 'next' : 'prev');
    }
  }

  function tapped(event) {
    const isSecond = tap && event.timeStamp - tap.timeStamp < DOUBLE_TAP && distance(event, tap) < 4 * SLIP;
    tap = isSecond ? null : event;
    if (isSecond || event.pointerType !== 'touch') zoom.toggle(event);
  }

  if (!zoom) return;

  /** Two fingers of a trackpad come as a turn with Ctrl, of few pixels. */
  stage.addEventListener('wheel', (event) => {
    if (!event.deltaY) return;
    event.preventDefault();
    const turn = Math.min(Math.abs(event.deltaY) * (event.ctrlKey ? 5 : 1), MOST);
    zoom.by(Math.exp((-Math.sign(event.deltaY) * turn) / 500), event);
  }, { passive: false });

  // The browser would carry the picture away to drop it elsewhere.
  stage.addEventListener('dragstart', (event) => zoom.isIn && event.preventDefault());

  /** Fingers on a page that is enlarged as a whole are the browser's. */
  function claim() {
    stage.style.touchAction = visualViewport.scale > 1 ? '' : 'none';
  }
  visualViewport.addEventListener('resize', claim);
  claim();
}
