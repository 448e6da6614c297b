/** The composer: says what a press of the button will do, does it, and loses nothing of what was typed. */

import { idempotencyKey, post } from './api.js';
import { embedded, show, write } from './dom.js';
import { loadDraft, promptsBefore, rememberPrompt, saveDraft } from './draft.js';
import { Settings } from './settings.js';
import { Start } from './start.js';
import { drawingTime } from './store.js';
import { cleaned } from './typed.js';
import { again, duration } from './words.js';
import { announce, toast } from './toast.js';

const DOUBLE_CLICK = 600; // milliseconds

export class Composer {
  #sent = { body: '', key: '', at: 0 };

  /** @param {{store: object, model: object, sheet: object, reuse: object|null, onSent: Function}} page */
  constructor(form, { store, model, sheet, reuse, onSent }) {
    Object.assign(this, { form, store, sheet, onSent, settings: new Settings(form, model) });
    this.go = form.querySelector('.go');
    this.banner = form.querySelector('[data-problem]');
    this.start = new Start(form, () => this.start && this.#changed());
    if (form.hasAttribute('data-bound')) this.#changed();
    else this.fill(loadDraft() ?? {});
    if (reuse) this.replace(reuse);
    form.addEventListener('input', (event) => {
      this.settings.clearErrors(event.target);
      this.#changed();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.isComposing) return;
      const asks = event.ctrlKey || event.metaKey;
      // A key that is held asks once; on the button it would press that again and again.
      if (asks || (event.repeat && event.target === this.go)) event.preventDefault();
      if (asks && !event.repeat) this.submit();
    });
    form.querySelector('[data-retry]').addEventListener('click', () => this.submit());
  }

  fill(values) {
    this.settings.fill(values);
    if ('init_image' in values) this.start.fill(values);
    this.settings.clearErrors();
    this.#changed();
  }

  /** As `fill`; what was typed or painted and is lost by it can be taken back. */
  replace(values, words = gettext('What you had typed was replaced.')) {
    const before = this.#draft;
    this.fill(values);
    const { prompt, mask } = this.#draft;
    const isMaskLost = before.mask && before.mask !== mask;
    const isPromptLost = cleaned(before.prompt) !== cleaned(prompt) && this.#isOwn(cleaned(before.prompt));
    if (!isPromptLost && !isMaskLost) return;
    const said = isPromptLost ? words : gettext('What you had painted was replaced.');
    toast(said, { undo: () => this.replace(before), seconds: 10 });
  }

  /** Neither asked for before nor one of our own: it is nowhere else. */
  #isOwn(prompt) {
    return prompt && ![...promptsBefore(), ...(embedded('examples') ?? [])].includes(prompt);
  }

  /** Everything that is set, a start that is none included. */
  get #draft() {
    return { ...this.settings.values, init_image: '', ...this.start.values };
  }

  #changed() {
    saveDraft(this.#draft);
    this.refresh();
  }

  // -- what the button says --------------------------------------------------------------------------------------------

  /** Why nothing can be asked for now, in the button's words, or null. */
  #obstacle(count) {
    const { day, month, queued, stored } = this.store.usage ?? {};
    const short = (allowance) => allowance && allowance.limit !== null && allowance.left < count;
    if (short(day) || short(month)) {
      const tight = short(month) ? month : day;
      const few = short(month)
        ? ngettext('Only %s picture left this month', 'Only %s pictures left this month', tight.left)
        : ngettext('Only %s picture left today', 'Only %s pictures left today', tight.left);
      const none = short(month) ? gettext('Nothing left this month') : gettext('Nothing left today');
      const label = tight.left ? interpolate(few, [tight.left]) : none;
      return { label, hint: interpolate(gettext('More from %s on'), [again(tight.resets_at)]) };
    }
    if (short(queued)) {
      const numbers = { used: queued.used, limit: queued.limit };
      const hint = interpolate(gettext('%(used)s of %(limit)s wait'), numbers, true);
      return { label: gettext('Your line is full'), hint };
    }
    if (stored && stored.limit !== null && stored.left === 0) {
      return { label: gettext('Your gallery is full'), hint: gettext('Delete what you do not need') };
    }
    return null;
  }

  refresh() {
    const count = this.settings.total;
    const obstacle = this.#obstacle(count);
    const label = interpolate(ngettext('Generate %s picture', 'Generate %s pictures', count), [count]);
    write(this.go.querySelector('.long'), obstacle?.label ?? label);
    if (obstacle) this.go.setAttribute('aria-disabled', 'true');
    else this.go.removeAttribute('aria-disabled');
    write(this.form.querySelector('[data-when]'), obstacle ? obstacle.hint : this.#when());
    write(this.form.querySelector('[data-cost]'), this.#cost(count));
  }

  #cost(count) {
    const day = this.store.usage?.day;
    if (!day || day.limit === null) return '';
    return interpolate(gettext('Uses %(count)s of your %(left)s'), { count, left: day.left }, true);
  }

  /** How long it takes and who waits before; no number where none is to be had. */
  #when() {
    const { queue } = this.store;
    const { width, height, steps, guidance = 0 } = this.settings.values;
    if (queue.workers && !queue.workers.ready) {
      return queue.workers.loading ? gettext('As soon as the model is loaded') : gettext('As soon as a worker runs');
    }
    const picture = { pixels: width * height, steps: this.start.drawnOf(steps), isGuided: guidance > 0 };
    const one = drawingTime(this.store, picture);
    const turns = Math.ceil(this.settings.total / Math.max(1, queue.workers?.ready ?? 1));
    const time = one && duration(one * turns);
    const waiting = queue.length || this.store.active.length;
    const line = interpolate(ngettext('%s picture in line', '%s pictures in line', waiting), [waiting]);
    if (!time) return waiting ? line : gettext('Right away');
    // Of how long those before it take nothing is said here, so it must not read as if it were.
    if (waiting) return interpolate(gettext('About %(time)s of drawing, %(line)s'), { time, line }, true);
    return interpolate(gettext('About %s, right away'), [time]);
  }

  // -- sending ---------------------------------------------------------------------------------------------------------

  async submit() {
    const { seed, ...rest } = this.settings.values;
    const wanted = { ...rest, ...this.start.values, ...(seed !== '' && { seed: Number(seed) }) };
    const body = JSON.stringify(wanted);
    if (body === this.#sent.body && Date.now() - this.#sent.at < DOUBLE_CLICK) return;
    this.settings.clearErrors();
    show(this.banner, false);
    const errors = [];
    if (!cleaned(wanted.prompt)) errors.push({ field: 'prompt', message: gettext('Describe the picture first.') });
    if (!/^\d*$/.test(seed)) {
      errors.push({ field: 'seed', message: gettext('The seed is a whole number, or empty for a random one.') });
    }
    if (errors.length) {
      this.#showErrors(errors);
      return;
    }
    // The same request sent again after a broken connection keeps its key: it is drawn once.
    const key = body === this.#sent.body && this.#sent.key ? this.#sent.key : idempotencyKey();
    this.#sent = { body, key, at: Date.now() };
    try {
      const answer = await post('generations', wanted, { 'Idempotency-Key': key });
      if (this.#sent.key === key) this.#sent.key = '';
      rememberPrompt(cleaned(wanted.prompt));
      this.store.load(answer);
      const asked = answer.generations.length;
      announce(interpolate(ngettext('%s picture is in line.', '%s pictures are in line.', asked), [asked]));
      this.onSent(answer);
    } catch (problem) {
      if (problem.status && problem.status < 500) this.#sent.key = '';
      this.#refused(problem);
    }
  }

  #showErrors(errors) {
    return this.settings.showErrors(errors, (field) => this.sheet.focus(field));
  }

  #refused(problem) {
    const homeless = this.#showErrors(problem.errors ?? []);
    if (problem.errors?.length && !homeless.length) return;
    const later = problem.resetsAt && problem.code !== 'rate_limited'; // that is over before one has read the time
    const more = later ? interpolate(gettext('More from %s on.'), [again(problem.resetsAt)]) : '';
    write(this.banner.querySelector('[data-problem-text]'), [problem.message, more].filter(Boolean).join(' '));
    const passing = !problem.status || problem.status >= 500 || problem.code === 'rate_limited';
    show(this.banner.querySelector('[data-retry]'), passing);
    show(this.banner, true);
    this.banner.scrollIntoView({ block: 'nearest' });
  }
}
