/** The page of the ZIP files: the list itself is the news. */

import { goLive } from './live.js';

goLive({ message: ({ type }) => type === 'archive' && location.reload() });
