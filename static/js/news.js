/** News on pages without live pictures of their own: what is left of the quota, what is under way, a ZIP that is ready. */

import { goLive } from './live.js';

// A viewer through which somebody only walks on needs no connection: it waits until the page is all there.
addEventListener('load', () => goLive());
