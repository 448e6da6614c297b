/** Where the person stands, as the shell shows it: quota ring and number of pictures under way. */

import { show, write } from './dom.js';

export function showUsage({ day }) {
  for (const quota of document.querySelectorAll('[data-quota]')) {
    const limited = day.limit !== null && day.limit !== undefined;
    write(quota.querySelector('[data-left]'), limited ? day.left : '∞');
    const share = limited && day.limit ? Math.round((day.left / day.limit) * 100) : limited ? 0 : 100;
    const arc = quota.querySelector('.ring circle + circle');
    arc.setAttribute('stroke-dasharray', `${share} 100`);
    // A round line cap would still draw a dot for nothing left.
    arc.setAttribute('stroke-opacity', share ? 1 : 0);
  }
}

export function showActive(count) {
  for (const badge of document.querySelectorAll('[data-active]')) {
    show(badge, count > 0);
    write(badge.querySelector('[data-count]'), count);
  }
}
