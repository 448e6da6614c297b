"""Scenes in English."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from starter_model.captions.choice import chance, pick
from starter_model.palette import COLOURS
from starter_model.scenes import Figure, Figures, Landscape

_SHAPES = {
    "circle": ("circle", "circle", "circle", "disc", "dot"),
    "square": ("square", "square", "square", "box"),
    "triangle": ("triangle",),
    "star": ("star",),
    "heart": ("heart",),
}
_SIZES = {"small": ("small", "small", "tiny", "little"), "medium": ("", "", ""), "large": ("large", "big", "huge")}
_PLACES = {
    "middle": ("in the middle", "in the center", "in the centre"),
    "left": ("on the left", "at the left", "on the left side", "left"),
    "right": ("on the right", "at the right", "on the right side", "right"),
    "top": ("at the top", "at the top", "near the top", "top"),
    "bottom": ("at the bottom", "at the bottom", "near the bottom", "bottom"),
    "top left": ("in the top left corner", "at the top left", "in the upper left", "top left"),
    "top right": ("in the top right corner", "at the top right", "in the upper right", "top right"),
    "bottom left": ("in the bottom left corner", "at the bottom left", "in the lower left", "bottom left"),
    "bottom right": ("in the bottom right corner", "at the bottom right", "in the lower right", "bottom right"),
}
_NUMBERS = {2: ("two", "two", "2", "a pair of"), 3: ("three", "three", "3"), 4: ("four", "four", "4")}
_RELATIONS = {
    "left of": ("to the left of", "left of", "on the left of"),
    "right of": ("to the right of", "right of", "on the right of"),
    "above": ("above", "above", "over"),
    "below": ("below", "below", "under"),
}
_OPPOSITES = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
_SIDES_OF = {
    "left of": ("left", "right"),
    "right of": ("right", "left"),
    "above": ("top", "bottom"),
    "below": ("bottom", "top"),
}
_SKIES = {
    "day": ("under a clear sky", "by day", "on a clear day", "at noon"),
    "sunset": ("at sunset", "at sunset", "at dusk", "in the evening"),
    "night": ("at night", "at night", "under a starry sky", "under the stars", "at midnight"),
    "dawn": ("at dawn", "at sunrise", "in the morning", "in the early morning"),
    "clouds": ("on a cloudy day", "under a cloudy sky", "on an overcast day"),
}
_GROUNDS = {
    "hills": ("hills", "hills", "rolling hills", "green hills", "grassy hills"),
    "mountains": ("mountains", "mountains", "high mountains", "snowy mountains", "the Alps"),
    "sea": ("the sea", "the sea", "the ocean", "a calm sea", "a lake", "water", "the blue sea"),
    "field": ("a field", "a meadow", "grassland", "a green field"),
    "desert": ("a desert", "sand dunes", "the desert", "sand"),
    "snow": ("snow", "snowy hills", "a snowy landscape", "a winter landscape", "winter"),
}
_COLOURED_GROUNDS = {
    "hills": ("hills", "hills", "rolling hills"),
    "mountains": ("mountains", "mountains", "high mountains"),
    "field": ("field", "field", "meadow"),
}
_TREES = {
    1: ("a tree", "a single tree", "one tree"),
    2: ("two trees", "2 trees"),
    3: ("three trees", "trees", "a forest"),
}
_HOUSES = ("house", "house", "house", "cottage", "cabin", "hut")
_BOATS = ("boat", "boat", "sailboat", "sailing boat", "ship")
_CLOUDS = ("clouds", "white clouds", "some clouds")

WORDS = tuple((Path(__file__).parent / "words_en.txt").read_text(encoding="utf-8").split())
"""Words that mean nothing to the model."""


def say_figures(rng: np.random.Generator, scene: Figures, plain: bool = False) -> str:
    parts = [_figures(rng, scene, plain)]
    if not scene.relation and scene.count == 1 and (scene.place != "middle" or (not plain and chance(rng, 0.2))):
        parts.append(pick(rng, _PLACES[scene.place], plain))
    if scene.background:
        colour = pick(rng, COLOURS[scene.background].words, plain)
        if plain:
            parts.insert(1, f"on {_article(colour)} background")
        else:
            forms = (f"on {_article(colour)} background",) * 3 + (
                f"on {colour}",
                f"against {_article(colour)} background",
                f"{colour} background",
                f"with {_article(colour)} background",
            )
            parts.insert(int(rng.integers(0, len(parts) + 1)), pick(rng, forms))
    caption = " ".join(parts) if plain or chance(rng, 0.6) else ", ".join(parts)
    if not plain and chance(rng, 0.15):
        caption = caption.replace("a ", "").replace("an ", "").replace("the ", "")
    return caption


def say_landscape(rng: np.random.Generator, scene: Landscape) -> str:
    ground, *details = _landscape_parts(rng, scene)
    sky = _sky(rng, scene)
    details = [part for part in details if not chance(rng, 0.12)]
    rng.shuffle(details)
    if chance(rng, 0.35):
        parts = [ground, *details, sky]
        rng.shuffle(parts)
        return ", ".join(part for part in parts if part)
    opening = pick(rng, ("", "", "", "a landscape with ", "landscape: ", "a view of "))
    said = f"{opening}{ground} {sky}"
    if chance(rng, 0.15):
        said = f"{sky}, {ground}"
    if details:
        said += pick(rng, (" with ", " and ", ", ")) + pick(rng, (" and ", ", ")).join(details)
    return said


def say_keywords(rng: np.random.Generator, scene: Landscape) -> list[str]:
    """One to three of the things a landscape shows; of a coloured ground often the colour of something unknown."""
    known = _landscape_parts(rng, scene)
    if scene.ground_colour and chance(rng, 0.6):
        known[0] = f"{pick(rng, COLOURS[scene.ground_colour].words)} {pick(rng, WORDS)}"
    if scene.sky:
        known.append(_sky(rng, scene))
    return [str(part) for part in rng.choice(known, min(len(known), int(rng.integers(1, 4))), replace=False)]


def _figures(rng: np.random.Generator, scene: Figures, plain: bool) -> str:
    if scene.relation:
        first, second = (_article(_figure(rng, figure, "", plain)) for figure in scene.figures)
        form = 0.0 if plain else rng.random()
        if form < 0.45:
            return f"{first} {pick(rng, _RELATIONS[scene.relation], plain)} {second}"
        if form < 0.65:
            return f"{second} {pick(rng, _RELATIONS[_OPPOSITES[scene.relation]])} {first}"
        if form < 0.8 and scene.relation in ("left of", "right of"):
            return f"{first} and {second}" if scene.relation == "left of" else f"{second} and {first}"
        places = [pick(rng, _PLACES[place]) for place in _SIDES_OF[scene.relation]]
        return f"{first} {places[0]}{pick(rng, (' and ', ', '))}{second} {places[1]}"
    size = pick(rng, _SIZES[scene.size], plain) if scene.count == 1 else ""
    figure = _figure(rng, scene.figures[0], size, plain, without_colour=not plain and chance(rng, 0.03))
    if scene.count == 1:
        return _article(figure)
    return f"{pick(rng, _NUMBERS[scene.count], plain)} {figure}{'es' if figure.endswith('x') else 's'}"


def _figure(rng: np.random.Generator, figure: Figure, size: str, plain: bool, without_colour: bool = False) -> str:
    colour = "" if without_colour else pick(rng, COLOURS[figure.colour].words, plain)
    return " ".join(word for word in (size, colour, pick(rng, _SHAPES[figure.shape], plain)) if word)


def _landscape_parts(rng: np.random.Generator, scene: Landscape) -> list[str]:
    """The ground, then what else there is beside the sky."""
    if scene.ground_colour:
        ground = f"{pick(rng, COLOURS[scene.ground_colour].words)} {pick(rng, _COLOURED_GROUNDS[scene.ground])}"
        ground = _article(ground) if scene.ground == "field" else ground
    else:
        ground = pick(rng, _GROUNDS[scene.ground])
    parts = [ground]
    if scene.light:
        side = "" if scene.light_side == "middle" else f" {pick(rng, _PLACES[scene.light_side])}"
        colour = f"{pick(rng, COLOURS[scene.light_colour].words)} " if scene.light_colour else ""
        parts.append(f"{_article(colour + scene.light) if colour or chance(rng, 0.5) else 'the ' + scene.light}{side}")
    if scene.trees:
        trees = pick(rng, _TREES[scene.trees])
        if scene.tree_colour:
            trees = f"{pick(rng, COLOURS[scene.tree_colour].words)} tree"
            trees = _article(trees) if scene.trees == 1 else f"{pick(rng, _NUMBERS[scene.trees])} {trees}s"
        parts.append(trees)
    if scene.house:
        side = "" if scene.house_side == "middle" else f" {pick(rng, _PLACES[scene.house_side])}"
        parts.append(f"{_article(pick(rng, COLOURS[scene.house].words) + ' ' + pick(rng, _HOUSES))}{side}")
    if scene.boat:
        parts.append(_article(f"{pick(rng, COLOURS[scene.boat].words)} {pick(rng, _BOATS)}"))
    if scene.cloudy and scene.sky != "clouds":
        parts.append(pick(rng, _CLOUDS))
    return parts


def _sky(rng: np.random.Generator, scene: Landscape) -> str:
    if scene.sky in _SKIES:
        return pick(rng, _SKIES[scene.sky])
    colour = pick(rng, COLOURS[scene.sky].words)
    return pick(rng, (f"under {_article(colour)} sky", f"{colour} sky"))


def _article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"
