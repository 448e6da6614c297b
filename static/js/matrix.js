/** The prompt matrix: how many prompts `a {red|blue} {fox|owl}` stands for. The rules are those of generation/matrix.py. */

// A backslash is read in one way only, or an unclosed brace would be tried in 2^n ways.
const GROUP = /(?<!\\)\{((?:\\[{}|]|\\(?![{}|])|[^{}|\\])*(?:\|(?:\\[{}|]|\\(?![{}|])|[^{}|\\])*)+)(?<!\\)\}/gu;
const BAR = /(?<!\\)\|/u;

export function combinations(template) {
  return [...template.matchAll(GROUP)].reduce((total, [, group]) => total * group.split(BAR).length, 1);
}
