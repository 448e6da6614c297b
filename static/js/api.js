/** The JSON API of the site. Every failure arrives as a `Problem` with one sentence for the person. */

const ROOT = '/api/v1/';

export class Problem extends Error {
  constructor({ status = 0, code = 'network', detail = '', errors = [], limit = null, used = null, resets_at = null }) {
    super(detail || gettext('Something went wrong. Try again.'));
    Object.assign(this, { status, code, errors, limit, used, resetsAt: resets_at });
  }

  get isSignedOut() {
    return this.status === 401 || this.code === 'not_authenticated';
  }
}

function cookie(name) {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : '';
}

/** The token of the newest sign-in, even one in another tab; the page's own stands in where scripts cannot read it. */
export function csrfToken() {
  return cookie('csrftoken') || document.querySelector('[name=csrfmiddlewaretoken]')?.value || '';
}

export async function call(method, path, body, headers = {}) {
  const options = { method, headers: { Accept: 'application/json', ...headers }, credentials: 'same-origin' };
  if (method !== 'GET') options.headers['X-CSRFToken'] = csrfToken();
  if (body instanceof FormData) options.body = body; // the browser writes its Content-Type
  else if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let response;
  let text;
  try {
    response = await fetch(ROOT + path, options);
    text = await response.text(); // the line may break in the middle of it
  } catch {
    throw new Problem({ detail: gettext('The server cannot be reached. Nothing is lost; try again in a moment.') });
  }
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch { /* a proxy's own error page */ }
  if (response.ok) return answer;
  const problem = new Problem({ code: 'error', ...answer, status: response.status });
  if (problem.isSignedOut) document.dispatchEvent(new Event('signed-out'));
  throw problem;
}

export const get = (path) => call('GET', path);
export const post = (path, body, headers) => call('POST', path, body, headers);
export const patch = (path, body) => call('PATCH', path, body);

export function upload(path, file) {
  const form = new FormData();
  form.set('file', file);
  return call('POST', path, form);
}

/** Whether a file that could not be shown is not there any more; anything else may pass. */
export async function isGone(address) {
  try {
    return (await fetch(address, { credentials: 'same-origin' })).status === 404;
  } catch {
    return false;
  }
}

/** A key under which a request may be repeated without being done twice. (`randomUUID` is missing on plain http.) */
export function idempotencyKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
}
