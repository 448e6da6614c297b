"""What a picture of figures shows, read off its pixels: no model judges another here.

A background is what the border shows; figures are the connected areas that differ from it. A figure's shape is that of
the drawn one with which it, stretched to the same box, has most in common (intersection over union).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from starter_model.fields import FIELDS, Pixels
from starter_model.palette import COLOURS
from starter_model.scenes import PLACES, Figures

_DIFFERENT = 55.0
"""Distance in RGB (0..255 each) from the background; half of that between the two nearest colours of the palette."""
_SMALLEST_SHARE = 0.003
"""Of the picture's area; less is a speck."""
_GRID = 40


@dataclass(frozen=True, slots=True)
class Seen:
    """One figure: centre as fractions of width and height."""

    colour: str
    shape: str
    centre: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which of the things asked for are there; None for what was not asked."""

    background: bool
    colour: bool
    shape: bool
    position: bool | None
    count: bool | None


def judge(picture: NDArray[np.uint8], asked: Figures) -> Verdict:
    """picture: (height, width, 3)."""
    background, seen = look(picture)
    wanted = [(each.colour, each.shape) for each in (asked.figures if asked.relation else asked.figures * asked.count)]
    return Verdict(
        background=background == asked.background,
        colour=bool(seen) and sorted(each.colour for each in seen) == sorted(colour for colour, _ in wanted),
        shape=bool(seen) and sorted(each.shape for each in seen) == sorted(shape for _, shape in wanted),
        position=_is_in_place(seen, asked),
        count=None if asked.relation else len(seen) == asked.count,
    )


def look(picture: NDArray[np.uint8]) -> tuple[str, list[Seen]]:
    """The background's colour and the figures, the largest first."""
    pixels = picture.astype(np.float32)
    edge = max(2, min(picture.shape[:2]) // 40)
    border = [pixels[:edge], pixels[-edge:], pixels[:, :edge], pixels[:, -edge:]]
    ground = np.median(np.concatenate([part.reshape(-1, 3) for part in border]), axis=0)
    areas = _areas(np.linalg.norm(pixels - ground, axis=2) > _DIFFERENT)
    return name_of(ground), [_see(pixels, area) for area in areas]


def name_of(rgb: Pixels) -> str:
    """The nearest colour of the palette."""
    return min(COLOURS, key=lambda name: float(np.linalg.norm(rgb - np.asarray(COLOURS[name].rgb))))


def _is_in_place(seen: list[Seen], asked: Figures) -> bool | None:
    if asked.relation:
        places = {each.colour: each.centre for each in seen}
        first, second = (places.get(figure.colour) for figure in asked.figures)
        if asked.figures[0].colour == asked.figures[1].colour:
            shapes = {each.shape: each.centre for each in seen}
            first, second = (shapes.get(figure.shape) for figure in asked.figures)
        if first is None or second is None:
            return False
        along = 0 if asked.relation in ("left of", "right of") else 1
        ahead = first[along] - second[along]
        return bool(ahead < -0.15 if asked.relation in ("left of", "above") else ahead > 0.15)
    if asked.count != 1:
        return None
    if not seen:
        return False
    centre = np.asarray(seen[0].centre)
    nearest = min(PLACES, key=lambda place: float(np.linalg.norm(centre - np.asarray(PLACES[place]))))
    return nearest == asked.place


def _areas(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Connected areas of `mask` that are no specks, the largest first; by spreading the largest label."""
    height, width = mask.shape
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        # Along whole rows and columns at once, so that a few rounds are enough.
        spread = _sweep(_sweep(labels, mask).T, mask.T).T
        if np.array_equal(spread, labels):
            break
        labels = spread
    names, counts = np.unique(labels[mask], return_counts=True)
    order = np.argsort(-counts)
    return [labels == names[index] for index in order if counts[index] >= _SMALLEST_SHARE * height * width]


def _sweep(labels: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The largest label of each horizontal run, in all of it."""
    starts = mask & ~np.pad(mask, ((0, 0), (1, 0)))[:, :-1]
    runs = np.cumsum(starts.ravel()).reshape(mask.shape)
    largest = np.zeros(runs.max() + 1, labels.dtype)
    np.maximum.at(largest, runs[mask], labels[mask])
    return np.where(mask, largest[runs], 0)


def _see(pixels: Pixels, area: NDArray[np.bool_]) -> Seen:
    rows, columns = np.nonzero(area)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    inside = area[top:bottom, left:right]
    return Seen(
        colour=name_of(np.median(pixels[area], axis=0)),
        shape=_shape_of(inside),
        centre=((left + right) / 2 / area.shape[1], (top + bottom) / 2 / area.shape[0]),
    )


def _shape_of(inside: NDArray[np.bool_]) -> str:
    picked = np.ix_(*((np.arange(_GRID) + 0.5) / _GRID * length for length in inside.shape))
    stretched = inside[tuple(axis.astype(int) for axis in picked)]

    def likeness(shape: str) -> float:
        drawn = _stencil(shape)
        return float((stretched & drawn).sum() / (stretched | drawn).sum())

    return max(FIELDS, key=likeness)


@cache
def _stencil(shape: str) -> NDArray[np.bool_]:
    """The shape as it is drawn, stretched to a square grid."""
    side = 400
    x = np.arange(side, dtype=np.float32)[None, :] + 0.5 - side / 2
    drawn = FIELDS[shape](0.4 * side)(x, x.T) < 0
    rows, columns = np.nonzero(drawn)
    inside = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    picked = np.ix_(*((np.arange(_GRID) + 0.5) / _GRID * length for length in inside.shape))
    return inside[tuple(axis.astype(int) for axis in picked)]
