/** On a phone the composer is a strip above the dock; its chip opens it as a sheet over the page. */

const narrow = matchMedia('(max-width: 860px)');
const behind = () => document.querySelectorAll('.top, .dock, .feed, .messages');

export class Sheet {
  constructor(form) {
    this.form = form;
    this.opener = form.querySelector('[data-open-sheet]');
    this.opener.addEventListener('click', () => this.open());
    document.querySelector('.sheet-scrim').addEventListener('click', () => this.close());
    form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      // This is heard before the frame of the page closes the menu that was meant.
      if (!form.querySelector('details.menu[open]')) this.close();
    });
    narrow.addEventListener('change', () => this.close());
    this.#followDrag(form.querySelector('.grip'));
  }

  open(field = this.form.elements.prompt) {
    if (!narrow.matches) return;
    this.#set(true);
    field.focus();
  }

  /** Focus a field of the composer, opening the sheet where it is hidden in that. */
  focus(field) {
    if (field.checkVisibility()) field.focus();
    else this.open(field);
  }

  close() {
    if (!this.form.hasAttribute('data-open')) return;
    this.#set(false);
    this.opener.focus();
  }

  #set(open) {
    this.form.toggleAttribute('data-open', open);
    this.opener.setAttribute('aria-expanded', String(open));
    for (const element of behind()) element.inert = open;
  }

  /** Pulling the grip down closes; the scrim and Escape do the same (WCAG 2.5.7). */
  #followDrag(grip) {
    let from = null;
    grip.addEventListener('pointerdown', (event) => {
      from = event.clientY;
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener('pointerup', (event) => {
      if (from !== null && event.clientY - from > 40) this.close();
      from = null;
    });
  }
}
