/** What of a typed text counts: not the space around it. The rules are those of generation/typed.py. */

const AROUND = /^[\s\ufeff\x1c-\x1f\x85]+|[\s\ufeff\x1c-\x1f\x85]+$/g;

export const cleaned = (text) => text.replace(/\r\n?/g, '\n').replace(AROUND, '');

/** In characters as people count them: a Chinese one is one, an emoji of one code point too. */
export const lengthOf = (text) => [...cleaned(text)].length;
