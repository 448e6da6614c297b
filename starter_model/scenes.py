"""What is in a picture, before anything is drawn or said: figures on a plain background, or a landscape.

Owns which scenes there are, how often each kind is drawn from a random generator, and which combinations the training
never sees (`is_held_out`). Places are fractions of the picture's sides, sizes of its shorter side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from starter_model.palette import NAMES

SHAPES = ("circle", "square", "triangle", "star", "heart")
PLACES = {
    "middle": (0.5, 0.5),
    "left": (0.25, 0.5),
    "right": (0.75, 0.5),
    "top": (0.5, 0.25),
    "bottom": (0.5, 0.75),
    "top left": (0.25, 0.25),
    "top right": (0.75, 0.25),
    "bottom left": (0.25, 0.75),
    "bottom right": (0.75, 0.75),
}
SIZES = {"small": 0.11, "medium": 0.18, "large": 0.25}
RELATIONS = ("left of", "right of", "above", "below")

GROUNDS = ("hills", "mountains", "sea", "field", "desert", "snow")
SKIES = ("day", "sunset", "night", "dawn", "clouds")
_HELD_OUT_OF = 11


@dataclass(frozen=True, slots=True)
class Figure:
    colour: str
    shape: str


@dataclass(frozen=True, slots=True)
class Figures:
    """One to four figures. With two in `figures` the first is `relation` to the second; else all are alike.

    background: a colour's name, or "" for a quiet one that no caption mentions. place and size hold for one alone.
    """

    figures: tuple[Figure, ...]
    background: str
    place: str = "middle"
    size: str = "medium"
    count: int = 1
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Landscape:
    """sky: one of `SKIES` or a colour. ground_colour, house, boat: a colour, or "" for the usual one or none at all.

    light: "sun", "moon" or ""; light_colour: "" for the usual one. light_side and house_side: "left", "right" or
    "middle". trees: how many, with leaves of tree_colour. cloudy: a few clouds in the sky.
    """

    sky: str
    ground: str
    ground_colour: str = ""
    light: str = ""
    light_colour: str = ""
    light_side: str = "middle"
    trees: int = 0
    tree_colour: str = ""
    house: str = ""
    house_side: str = "middle"
    boat: str = ""
    cloudy: bool = False


Scene: TypeAlias = Figures | Landscape


def is_held_out(figure: Figure, background: str) -> bool:
    """Whether this colour, shape and background never come together in training."""
    if not background:
        return False
    sum_ = 7 * NAMES.index(figure.colour) + 5 * SHAPES.index(figure.shape) + 3 * NAMES.index(background)
    return sum_ % _HELD_OUT_OF == 0


def sample_scene(rng: np.random.Generator) -> Scene:
    """A scene for training."""
    kind = rng.random()
    if kind < 0.34:
        return sample_single(rng)
    if kind < 0.50:
        return sample_several(rng)
    if kind < 0.68:
        return sample_pair(rng)
    return sample_landscape(rng)


def sample_single(rng: np.random.Generator, held_out: bool = False) -> Figures:
    figure, background = _combination(rng, held_out)
    place = "middle" if rng.random() < 0.25 else str(rng.choice(list(PLACES)))
    return Figures((figure,), background, place, str(rng.choice(list(SIZES), p=(0.25, 0.5, 0.25))))


def sample_several(rng: np.random.Generator, held_out: bool = False) -> Figures:
    figure, background = _combination(rng, held_out)
    return Figures((figure,), background, count=int(rng.choice((2, 3, 4), p=(0.38, 0.38, 0.24))))


def sample_pair(rng: np.random.Generator, held_out: bool = False) -> Figures:
    first, background = _combination(rng, held_out)
    while True:
        second, _ = _combination(rng, False, background)
        if (second.colour, second.shape) != (first.colour, first.shape):
            return Figures((first, second), background, relation=str(rng.choice(RELATIONS)))


def sample_landscape(rng: np.random.Generator) -> Landscape:
    sky = str(rng.choice(SKIES)) if rng.random() < 0.65 else str(rng.choice(NAMES))
    ground = str(rng.choice(GROUNDS, p=(0.28, 0.2, 0.2, 0.16, 0.08, 0.08)))
    ground_colour = ""
    if ground in ("hills", "mountains", "field") and rng.random() < 0.5:
        ground_colour = str(rng.choice([name for name in NAMES if name != sky]))
    light = str(rng.choice(("sun", "moon", ""), p=_LIGHTS.get(sky, (0.5, 0.3, 0.2))))
    light_colour = ""
    if light == "sun" and rng.random() < 0.4:
        light_colour = str(rng.choice([name for name in ("red", "orange", "yellow", "white", "pink") if name != sky]))
    on_land = ground != "sea"
    trees = int(rng.choice((0, 1, 2, 3), p=(0.5, 0.2, 0.15, 0.15))) if on_land and ground != "desert" else 0
    return Landscape(
        sky=sky,
        ground=ground,
        ground_colour=ground_colour,
        light=light,
        light_colour=light_colour,
        light_side=str(rng.choice(("left", "right", "middle"))),
        trees=trees,
        tree_colour=str(rng.choice(("green", "orange", "pink", "red", "white")))
        if trees and rng.random() < 0.3
        else "",
        house=str(rng.choice(NAMES)) if on_land and rng.random() < 0.35 else "",
        house_side=str(rng.choice(("left", "right", "middle"))),
        boat=str(rng.choice(NAMES)) if ground == "sea" and rng.random() < 0.55 else "",
        cloudy=sky == "clouds" or (sky in ("day", "blue") and rng.random() < 0.4),
    )


_LIGHTS = {
    "day": (0.8, 0.0, 0.2),
    "sunset": (0.8, 0.0, 0.2),
    "night": (0.0, 0.8, 0.2),
    "dawn": (0.6, 0.1, 0.3),
    "clouds": (0.3, 0.0, 0.7),
}


def _combination(rng: np.random.Generator, held_out: bool, background: str | None = None) -> tuple[Figure, str]:
    """A figure on a background of another colour, from the combinations wanted."""
    while True:
        if background is None:
            place = "" if not held_out and rng.random() < 0.15 else str(rng.choice(NAMES))
        else:
            place = background
        figure = Figure(str(rng.choice(NAMES)), str(rng.choice(SHAPES)))
        if figure.colour != place and is_held_out(figure, place) == held_out:
            return figure, place
