/** Small things about elements. New ones are copies of <template>s that Django wrote, icons and words included. */

/** A fresh copy of the only element in `<template id>`. */
export function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** The element of `root` that is marked `data-part="name"`; `root` itself counts. */
export function part(root, name) {
  const selector = `[data-part="${name}"]`;
  return root.matches(selector) ? root : root.querySelector(selector);
}

/** Set the text only if it differs: a screen reader must not hear the same again. */
export function write(element, text) {
  if (element && element.textContent !== String(text)) element.textContent = text;
}

export function show(element, visible) {
  if (element && element.hidden === Boolean(visible)) element.hidden = !visible;
}

export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** What `{{ value|json_script:id }}` put into the page, or null. */
export function embedded(id) {
  const script = document.getElementById(id);
  return script ? JSON.parse(script.textContent) : null;
}

/** Make the children of `parent` exactly `wanted`, moving as few as possible; those that stay keep focus and scroll. */
export function arrange(parent, wanted) {
  const focused = document.activeElement;
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const node of wanted) {
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true }); // moved
}

export function isTyping(event) {
  const target = event.target;
  return target instanceof HTMLElement
    && (target.isContentEditable
      || target.matches('textarea, select, input:not([type=checkbox], [type=radio], [type=button])'));
}
