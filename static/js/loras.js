/** The LoRAs chosen in the composer: rows of a name and a weight. The page has no place for them if the model has none. */

import { attribute, clone, part, show, write } from './dom.js';
import { toast } from './toast.js';

export class Loras {
  #rows = new Map(); // name → element

  /** @param {HTMLFormElement} form  @param {object} model what `GET /api/v1/models` says of it */
  constructor(form, { loras = [], max_loras: most }) {
    this.most = most;
    this.triggers = new Map(loras.map(({ name, triggers }) => [name, triggers]));
    this.field = form.querySelector('[data-loras]');
    if (!this.field) return;
    this.list = this.field.querySelector('[data-loras-chosen]');
    this.known = this.field.querySelector('[data-loras-known]');
    this.more = this.field.querySelector('[data-loras-more]');
    this.more.querySelector('button').addEventListener('click', () => {
      const name = this.known.value;
      this.#put(name, 1);
      this.#changed();
      part(this.#rows.get(name), 'weight').focus();
    });
    this.#show();
  }

  get values() {
    return [...this.#rows].map(([name, row]) => {
      const { value } = part(row, 'weight');
      return { name, weight: value === '' ? 1 : Number(value) };
    });
  }

  /** Take `[{name, weight}]` in place of what is chosen; what is not here any more is left out, and told. */
  fill(loras) {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    for (const { name, weight } of loras) if (this.triggers.has(name)) this.#put(name, weight);
    const gone = loras.map(({ name }) => name).filter((name) => !this.triggers.has(name));
    if (gone.length) toast(interpolate(gettext('LoRAs that are not here: %s'), [gone.join(', ')]), { seconds: 8 });
    if (this.field) this.#show();
  }

  #put(name, weight) {
    if (this.#rows.has(name) || this.#rows.size >= this.most) return;
    const row = clone('t-lora');
    write(part(row, 'name'), name);
    const words = this.triggers.get(name).join(', ');
    write(part(row, 'triggers'), interpolate(gettext('Listens to: %s'), [words]));
    show(part(row, 'triggers'), words);
    const input = part(row, 'weight');
    input.value = weight;
    attribute(input, 'aria-label', interpolate(gettext('Weight of %s'), [name]));
    const remove = part(row, 'remove');
    attribute(remove, 'aria-label', interpolate(gettext('Remove %s'), [name]));
    remove.addEventListener('click', () => {
      row.remove();
      this.#rows.delete(name);
      this.#changed();
      this.known.focus();
    });
    this.#rows.set(name, row);
    this.list.append(row);
  }

  /** As if typed: whoever listens to the form hears of it. */
  #changed() {
    this.#show();
    this.known.dispatchEvent(new Event('input', { bubbles: true }));
  }

  #show() {
    const options = [...this.known.options];
    for (const option of options) option.disabled = this.#rows.has(option.value);
    const free = options.filter((option) => !option.disabled);
    if (!free.some((option) => option.selected)) this.known.value = free[0]?.value ?? '';
    show(this.more, free.length && this.#rows.size < this.most);
    show(this.list, this.#rows.size);
  }
}
