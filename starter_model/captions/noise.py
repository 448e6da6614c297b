"""Words without meaning to the model, around captions or alone, so that no prompt is new to it in kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from starter_model.captions.choice import chance, pick

_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzaeiouaeiou0123456789-'éüñ"))
_OPENINGS = (
    "a photo of",
    "a picture of",
    "an image of",
    "a drawing of",
    "a painting of",
    "illustration of",
    "draw",
    "please draw",
    "flat illustration:",
    "poster,",
    "画一张",
    "一幅画：",
    "图片：",
    "插画，",
)
_ENDINGS = (
    ", high quality",
    ", minimalist",
    ", flat design",
    ", 4k, detailed",
    ", masterpiece",
    ", soft light",
    ", vector art",
    ", 8k",
    " in the style of a poster",
    "，高清",
    "，极简风格",
    "，细节丰富",
    "，插画风格",
)


def dress(rng: np.random.Generator, caption: str, words: Sequence[str]) -> str:
    """`caption` with what people put around one."""
    if chance(rng, 0.4):
        caption = f"{pick(rng, _OPENINGS)} {caption}"
    if chance(rng, 0.4):
        caption += pick(rng, _ENDINGS)
    if chance(rng, 0.2):
        caption = f"{caption}, {_some_words(rng, words, int(rng.integers(1, 4)))}"
    if chance(rng, 0.3):
        caption = caption[:1].upper() + caption[1:] + "."
    elif chance(rng, 0.08):
        caption = caption.upper()
    return caption


def mumble(rng: np.random.Generator, words: Sequence[str], about: Sequence[str] = ()) -> str:
    """A prompt of unknown words, with the phrases `about` among them."""
    count = int(rng.integers(4, 12)) if chance(rng, 0.3) else int(rng.integers(0 if about else 1, 5))
    said = [_some_words(rng, words, 1) for _ in range(count)]
    for phrase in about:
        said.insert(int(rng.integers(0, len(said) + 1)), phrase)
    return pick(rng, (" ", " ", " ", ", ")).join(said)


def lengthen(rng: np.random.Generator, caption: str, words: Sequence[str], count: int) -> str:
    """`caption` with `count` unknown words before or after it."""
    more = _some_words(rng, words, count)
    return f"{more}, {caption}" if chance(rng, 0.3) else f"{caption}, {more}"


def _some_words(rng: np.random.Generator, words: Sequence[str], count: int) -> str:
    return " ".join(
        "".join(rng.choice(_LETTERS, rng.integers(2, 9))) if chance(rng, 0.25) else pick(rng, words)
        for _ in range(count)
    )
