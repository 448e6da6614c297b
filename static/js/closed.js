/** The page for planned work looks now and then whether that is over, and then shows what was asked for. */

const EVERY = 8_000; // milliseconds; not all browsers at once
const CLOSED = 503;

async function look() {
  try {
    const { ok, status } = await fetch(location.href, { method: 'HEAD', cache: 'no-store' });
    // What was sent with a form is not sent again.
    if (status !== CLOSED) location.replace(ok ? location.href : '/');
  } catch { /* the server itself is away: the next look tells */ }
  wait();
}

function wait() {
  setTimeout(look, EVERY * (1 + Math.random()));
}

wait();
