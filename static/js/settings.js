/** The composer's fields as values, and values as fields. */

import { attribute, show, write } from './dom.js';
import { Loras } from './loras.js';
import { combinations } from './matrix.js';
import { lengthOf } from './typed.js';
import { size, steps } from './words.js';

export class Settings {
  /** @param {HTMLFormElement} form  @param {object} model what `GET /api/v1/models` says of it */
  constructor(form, model) {
    Object.assign(this, { form, model, fields: form.elements });
    this.lastShape = this.#shape() ?? model.shapes[0];
    this.loras = new Loras(form, model);
    form.addEventListener('input', (event) => this.#follow(event.target));
    this.show();
  }

  #shape() {
    return this.model.shapes.find((shape) => shape.ratio === this.fields.shape.value);
  }

  get isCustom() {
    return Boolean(this.fields.width.value || this.fields.height.value);
  }

  get values() {
    const { prompt, style, count, seed } = this.fields;
    const { width, height } = this.lastShape;
    return {
      prompt: prompt.value,
      style: style.value,
      width: this.isCustom ? Number(this.fields.width.value || width) : width,
      height: this.isCustom ? Number(this.fields.height.value || height) : height,
      steps: Number(this.fields.steps.value),
      seed: seed.value.trim(),
      count: Number(count.value || 1),
      loras: this.loras.values,
      variation: Number(this.fields.variation.value),
      // Only for models that use them.
      ...(this.fields.guidance && { guidance: Number(this.fields.guidance.value) }),
      ...(this.fields.negative_prompt && { negative_prompt: this.fields.negative_prompt.value }),
    };
  }

  /** Pictures that these values ask for, all combinations of the prompt. */
  get total() {
    return this.values.count * combinations(this.values.prompt);
  }

  /** Put values into the fields; those left out stay as they are. */
  fill(values) {
    const { fields } = this;
    if (values.prompt !== undefined) fields.prompt.value = values.prompt;
    for (const name of ['count', 'steps', 'variation', 'guidance']) {
      if (fields[name] && (values[name] ?? '') !== '') fields[name].value = values[name];
    }
    // One by one: Chromium does not choose the radio whose value is empty by the value of the group.
    if (values.style !== undefined) for (const radio of fields.style) radio.checked = radio.value === values.style;
    if (fields.negative_prompt && values.negative_prompt !== undefined) fields.negative_prompt.value = values.negative_prompt;
    if (values.seed !== undefined) fields.seed.value = values.seed ?? '';
    if (values.width && values.height) this.#fillSize(values);
    if (values.loras !== undefined) this.loras.fill(values.loras);
    this.show();
  }

  #fillSize({ width, height }) {
    const shape = this.model.shapes.find((known) => known.width === width && known.height === height);
    for (const radio of this.fields.shape) radio.checked = radio.value === shape?.ratio;
    if (shape) this.lastShape = shape;
    this.fields.width.value = shape ? '' : width;
    this.fields.height.value = shape ? '' : height;
  }

  /** A shape takes the place of a size in pixels, and the other way round. */
  #follow(field) {
    if (field.name === 'shape') {
      this.lastShape = this.#shape();
      this.fields.width.value = this.fields.height.value = '';
    } else if (field === this.fields.width || field === this.fields.height) {
      for (const radio of this.fields.shape) radio.checked = !this.isCustom && radio.value === this.lastShape.ratio;
    }
    this.show();
  }

  /** Everything beside the fields that repeats their values. */
  show() {
    const { prompt, width, height, steps: number, seed, count, variation } = this.values;
    const length = lengthOf(prompt);
    const counter = this.form.querySelector('[data-prompt-length]');
    write(counter, `${length} / ${this.model.max_prompt_length}`);
    counter.classList.toggle('is-over', length > this.model.max_prompt_length);

    for (const range of this.form.querySelectorAll('input[type="range"]')) {
      range.style.setProperty('--fill', `${((range.value - range.min) / (range.max - range.min)) * 100}%`);
      write(this.form.querySelector(`output[for="${range.id}"]`), range.value);
    }
    attribute(this.fields.width, 'placeholder', this.lastShape.width);
    attribute(this.fields.height, 'placeholder', this.lastShape.height);

    const seedText = seed ? interpolate(gettext('seed %s'), [seed]) : gettext('random seed');
    const chosen = this.loras.values.length;
    const loras = chosen && interpolate(ngettext('%s LoRA', '%s LoRAs', chosen), [chosen]);
    const varied = variation > 0 && interpolate(gettext('variation %s'), [variation]);
    const fine = [this.isCustom && `${width} × ${height}`, steps(number), seedText, loras, varied].filter(Boolean);
    write(this.form.querySelector('[data-fine]'), fine.join(' · '));
    const style = this.fields.style.value && this.styleLabel(this.fields.style.value);
    const all = [style, size(width, height, this.model.shapes), count].filter(Boolean);
    write(this.form.querySelector('[data-summary]'), all.join(' · '));
  }

  styleLabel(key) {
    const radio = [...this.fields.style].find((known) => known.value === key);
    return radio ? radio.nextElementSibling.textContent.trim() : key;
  }

  // -- errors at their fields ------------------------------------------------------------------------------------------

  /** All errors, or those that the fields beside `field` share with it. */
  clearErrors(field = null) {
    const lines = field ? (field.getAttribute('aria-describedby') ?? '').split(' ') : null;
    for (const line of this.form.querySelectorAll('.field__error:not([hidden])')) {
      if (lines && !lines.includes(line.id)) continue;
      show(line, false);
      const wrong = this.form.querySelectorAll(`[aria-describedby~="${line.id}"]`);
      wrong.forEach((input) => input.removeAttribute('aria-invalid'));
    }
  }

  /** Show `[{field, message}]`; answers those that belong to no field. `focus` is called with the first wrong field. */
  showErrors(errors, focus) {
    let first = null;
    const homeless = errors.filter(({ field, message }) => {
      const side = field === 'width' || field === 'height';
      const name = side ? (this.isCustom ? 'size' : 'shape') : field;
      const line = document.getElementById(`${name}-error`);
      if (!line) return true;
      write(line, line.hidden ? message : `${line.textContent} ${message}`);
      show(line, true);
      const inputs = this.form.querySelectorAll(`[aria-describedby~="${line.id}"]`);
      for (const input of inputs) {
        if (!side || !this.isCustom || input.name === field) input.setAttribute('aria-invalid', 'true');
      }
      line.closest('details')?.setAttribute('open', '');
      const own = side && this.isCustom ? this.fields[field] : null;
      const there = [...inputs].filter((input) => !input.closest('[hidden]'));
      first ??= own ?? there.find((input) => input.checked) ?? there[0];
      return false;
    });
    if (first) focus(first);
    return homeless;
  }
}
