"""The `parameters` text, or infotext, as AUTOMATIC1111's web UI began it and Forge and others go on writing it.

    the prompt, on any number of lines
    Negative prompt: only if there is one, on any number of lines
    Steps: 8, Sampler: Euler, CFG scale: 1, Seed: 42, Size: 1024x768, Model: "one, two", Version: …

Owns both directions. A value is quoted as a JSON string where commas, colons or line ends are in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_NEGATIVE = "Negative prompt:"
# Bounded names, and possessive repeats (Python 3.11): hostile lines cost time in proportion to their length.
_FACT = re.compile(r'\s*(\w[\w /-]{0,60}):\s*("(?:[^"\\]|\\.)*+"(?=\s*(?:,|$))|[^,]*+)\s*(?:,|$)')


def write(*, prompt: str, negative_prompt: str, facts: Mapping[str, object]) -> str:
    """The whole text; facts without a value are left out."""
    lines = [prompt]
    if negative_prompt:
        lines.append(f"{_NEGATIVE} {negative_prompt}")
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in facts.items() if value != ""))
    return "\n".join(lines)


def read(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and facts. Raises ValueError where no line gives steps and a seed."""
    lines = text.replace("\r\n", "\n").split("\n")
    # The last such line: a prompt may look like one, and some extensions write more lines below it.
    for number in reversed(range(len(lines))):
        if "Steps:" in lines[number] and "Seed:" in lines[number]:
            facts = _facts(lines[number])
            if {"Steps", "Seed"} <= facts.keys():
                return *_prompts(lines[:number]), facts
    raise ValueError("no line with settings")


def _prompts(lines: list[str]) -> tuple[str, str]:
    start = next((number for number, line in enumerate(lines) if line.startswith(_NEGATIVE)), len(lines))
    return "\n".join(lines[:start]).strip(), "\n".join(lines[start:]).removeprefix(_NEGATIVE).strip()


def _facts(line: str) -> dict[str, str]:
    found: dict[str, str] = {}
    place = 0
    while place < len(line):
        if fact := _FACT.match(line, place):
            found.setdefault(fact[1], _unquoted(fact[2].strip()))
            place = fact.end()
        else:
            comma = line.find(",", place)
            place = comma + 1 if comma >= 0 else len(line)
    return found


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(mark in text for mark in ',:\n"') else text


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text
