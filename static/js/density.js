/** How large the pictures are: at once, with what is being looked at kept in place; then remembered by the server. */

import { csrfToken } from './api.js';
import { attribute } from './dom.js';

export function chooseDensity(root) {
  const form = root.querySelector('[data-density-form]');
  form?.addEventListener('submit', (event) => {
    event.preventDefault();
    const { submitter } = event;
    const header = document.querySelector('.top')?.getBoundingClientRect().bottom ?? 0;
    const firstBelow = (elements) => [...elements].find((each) => each.getBoundingClientRect().bottom > header);
    const day = scrollY ? firstBelow(root.querySelectorAll('.rows')) : null;
    const looked = day && firstBelow(day.children);
    for (const button of form.querySelectorAll('[name=density]')) {
      attribute(button, 'aria-current', button === submitter ? 'true' : null);
      root.classList.toggle(`rows-${button.value}`, button === submitter);
    }
    looked?.scrollIntoView({ block: 'start' });
    const headers = { 'X-CSRFToken': csrfToken() };
    const body = new URLSearchParams({ density: submitter.value });
    fetch(form.action, { method: 'POST', body, headers, redirect: 'manual' }).catch(() => {});
  });
}
