/** The small buttons in the prompt field: surprise me, prompts asked for before, clear; and the dice beside the seed. */

import { promptsBefore } from './draft.js';
import { clone, embedded, write } from './dom.js';

export function startPrompting(form, composer) {
  const { prompt } = form.elements;
  const examples = embedded('examples') ?? [];

  const put = (text, words) => {
    composer.replace({ prompt: text }, words);
    prompt.focus();
  };

  form.querySelector('[data-surprise]').addEventListener('click', () => {
    const others = examples.filter((example) => example !== prompt.value);
    if (others.length) put(others[Math.floor(Math.random() * others.length)]);
  });
  form.querySelector('[data-clear]').addEventListener('click', () => put('', gettext('Cleared.')));
  form.querySelector('[data-dice]').addEventListener('click', () => {
    composer.fill({ seed: crypto.getRandomValues(new Uint32Array(1))[0] });
  });

  const menu = form.querySelector('[data-history]');
  menu.addEventListener('toggle', () => {
    if (!menu.open) return;
    const before = promptsBefore();
    const items = before.map((text) => {
      const item = clone('t-history-item');
      write(item, text);
      item.addEventListener('click', () => put(text));
      return item;
    });
    menu.querySelector('.menu__list').replaceChildren(...(items.length ? items : [clone('t-history-empty')]));
  });

  for (const idea of document.querySelectorAll('[data-idea]')) idea.addEventListener('click', () => put(idea.dataset.idea));
}
