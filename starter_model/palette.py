"""The named colours: how they look and what they are called in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rgb: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Colour:
    """rgb: 0..255. words and chinese: the first is the name, the others stand for it in some captions."""

    rgb: Rgb
    words: tuple[str, ...]
    chinese: tuple[str, ...]


COLOURS = {
    "red": Colour((219, 48, 54), ("red", "red", "red", "crimson", "scarlet"), ("红色", "红色", "大红色", "红")),
    "orange": Colour((245, 130, 32), ("orange",), ("橙色", "橙色", "橘色", "橙")),
    "yellow": Colour((251, 209, 52), ("yellow", "yellow", "golden"), ("黄色", "黄色", "金色", "黄")),
    "green": Colour((60, 160, 75), ("green",), ("绿色", "绿色", "绿")),
    "blue": Colour((40, 100, 212), ("blue",), ("蓝色", "蓝色", "蓝")),
    "purple": Colour((125, 66, 178), ("purple", "purple", "violet"), ("紫色", "紫色", "紫")),
    "pink": Colour((246, 150, 182), ("pink",), ("粉色", "粉色", "粉红色", "粉")),
    "brown": Colour((122, 82, 56), ("brown",), ("棕色", "棕色", "褐色")),
    "black": Colour((30, 31, 36), ("black",), ("黑色", "黑色", "黑")),
    "white": Colour((248, 248, 248), ("white",), ("白色", "白色", "白")),
    "gray": Colour((146, 150, 156), ("gray", "grey"), ("灰色", "灰色", "灰")),
    "turquoise": Colour((58, 198, 196), ("turquoise", "turquoise", "cyan", "teal"), ("青色", "青色", "青绿色")),
}
NAMES = tuple(COLOURS)

QUIET: tuple[Rgb, ...] = ((241, 236, 226), (222, 234, 242), (236, 229, 242), (227, 239, 228))
"""Backgrounds for captions that name none."""

_JITTER = 1.5


def tint(rng: np.random.Generator, rgb: Rgb) -> NDArray[np.floating[Any]]:
    """`rgb` as no two pictures have it alike."""
    return np.clip(np.asarray(rgb) + rng.normal(0.0, _JITTER, 3), 0, 255).astype(np.float32)


def colour_of(rng: np.random.Generator, name: str) -> NDArray[np.floating[Any]]:
    return tint(rng, COLOURS[name].rgb)
