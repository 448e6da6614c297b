"""What of a typed text counts: not the space around it, and the end of a line as one character.

static/js/typed.js counts by the same rules; tests/generation/typed_cases.json holds both to them.
"""

from __future__ import annotations

import re

# What either language takes for space: the last five are Python's alone, the mark before them JavaScript's.
_SPACE = r"[\s\ufeff\x1c-\x1f\x85]"
_AROUND = re.compile(rf"\A{_SPACE}+|{_SPACE}+\Z")
_LINE_END = re.compile(r"\r\n?")  # forms send two characters, scripts one


def cleaned(text: str) -> str:
    return _AROUND.sub("", _LINE_END.sub("\n", text))
