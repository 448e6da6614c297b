"""The prompt matrix: `a {red|blue} {fox|owl}` stands for four prompts. static/js/matrix.js counts by the same rules.

A group is a pair of braces with a bar between them and no other brace inside; braces without a bar stay as they are, so
that a prompt in JSON is one prompt. `\\{`, `\\}` and `\\|` are the bare characters in any prompt that has a brace.
"""

from __future__ import annotations

import itertools
import math
import re

# Possessive repeats: time in proportion to the length, whatever is typed.
_GROUP = re.compile(r"(?<!\\)\{((?:\\[{}|]|[^{}|])*+(?:\|(?:\\[{}|]|[^{}|])*+)++)(?<!\\)\}")
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([{}|])")
_SPECIAL = re.compile(r"\\?[{}|]")


def combinations(template: str) -> int:
    """How many prompts it stands for, at least 1, without writing them out."""
    return math.prod(len(_BAR.split(group)) for group in _GROUP.findall(template))


def expand(template: str) -> list[str]:
    """All prompts in order, the last group turning fastest. Ask `combinations` first: they grow by multiplication."""
    if "{" not in template:
        return [template]
    pieces = _GROUP.split(template)  # text, group, text, group, …, text
    choices = [_BAR.split(piece) if number % 2 else [piece] for number, piece in enumerate(pieces)]
    return [_plain("".join(chosen)) for chosen in itertools.product(*choices)]


def escaped(prompt: str) -> str:
    """A template that stands for just this prompt; the prompt itself wherever it already does."""
    if combinations(prompt) == 1 and expand(prompt) == [prompt]:
        return prompt
    return _SPECIAL.sub(lambda found: "".join("\\" + mark if mark in "{}|" else mark for mark in found[0]), prompt)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text).strip()
