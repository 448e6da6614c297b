/** Copying a text to the clipboard, also where the site comes over plain http. */

import { toast } from './toast.js';

/** Copy, and say so in these words or that it is not allowed. */
export async function copy(text, done = gettext('Copied.')) {
  if (await written(text)) toast(done, { seconds: 3 });
  else toast(gettext('The browser does not allow copying here.'));
}

async function written(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // plain http away from localhost has no clipboard, or the person has forbidden it
    return copySelected(text);
  }
}

/** The old way: browsers copy what is selected, on any page. */
function copySelected(text) {
  const focused = document.activeElement;
  const field = document.createElement('textarea');
  field.className = 'vh';
  field.value = text;
  document.body.append(field);
  field.select();
  try {
    return document.execCommand('copy');
  } finally {
    field.remove();
    focused?.focus({ preventScroll: true });
  }
}
