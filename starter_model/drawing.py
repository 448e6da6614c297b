"""Draws scenes as pixels: flat shapes with smooth edges, by signed distance fields.

A shape's edge is one pixel of smooth transition. What a scene leaves open is chosen from a few alternatives, never
from a continuum: between two places a model that is not sure draws a blur, of nine it chooses one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from starter_model.fields import FIELDS, Field, Pixels, circle, polygon
from starter_model.palette import QUIET, colour_of, tint
from starter_model.scenes import PLACES, SIZES, Figures, Landscape, Scene

_SHIFTS = (-0.025, 0.0, 0.025)
"""By how much figures may stand off their places, as shares of the picture's sides."""


def draw(rng: np.random.Generator, scene: Scene, height: int, width: int) -> NDArray[np.uint8]:
    """`scene` as (height, width, 3); what it leaves open comes from `rng`."""
    canvas = _Canvas(height, width)
    if isinstance(scene, Figures):
        _draw_figures(rng, canvas, scene)
    else:
        _draw_landscape(rng, canvas, scene)
    return np.clip(canvas.pixels + 0.5, 0, 255).astype(np.uint8)


class _Canvas:
    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.short = min(height, width)
        self.pixels = np.zeros((height, width, 3), np.float32)

    def fill(self, top: Pixels, bottom: Pixels) -> None:
        down = np.linspace(0.0, 1.0, self.height, dtype=np.float32)[:, None, None]
        self.pixels[:] = top * (1 - down) + bottom * down

    def paint(
        self, field: Field, centre: tuple[float, float], reach: float, colour: Pixels, opacity: float = 1
    ) -> None:
        """Paint where `field` is negative, its coordinates counted from `centre`; nothing lies beyond `reach`.

        centre: fractions of width and height. reach: pixels.
        """
        middle_x, middle_y = centre[0] * self.width, centre[1] * self.height
        left, right = max(0, int(middle_x - reach - 1)), min(self.width, int(middle_x + reach + 2))
        top, bottom = max(0, int(middle_y - reach - 1)), min(self.height, int(middle_y + reach + 2))
        if left >= right or top >= bottom:
            return
        x = np.arange(left, right, dtype=np.float32)[None, :] + 0.5 - middle_x
        y = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - middle_y
        cover = opacity * np.clip(0.5 - field(x, y), 0.0, 1.0)[..., None]
        part = self.pixels[top:bottom, left:right]
        part += cover * (colour - part)

    def paint_below(self, line: Pixels, colour: Pixels, deeper: Pixels) -> None:
        """Paint everything below `line` (one fraction of the height for each column), from `colour` to `deeper`."""
        top = max(0, int(line.min() * self.height) - 1)
        y = np.arange(top, self.height, dtype=np.float32)[:, None] + 0.5
        cover = np.clip(0.5 + y - line[None, :] * self.height, 0.0, 1.0)[..., None]
        down = ((y - top) / max(1, self.height - top))[..., None]
        part = self.pixels[top:]
        part += cover * (colour * (1 - down) + deeper * down - part)

    @property
    def columns(self) -> Pixels:
        return (np.arange(self.width, dtype=np.float32) + 0.5) / self.width


def _draw_figures(rng: np.random.Generator, canvas: _Canvas, scene: Figures) -> None:
    ground = colour_of(rng, scene.background) if scene.background else tint(rng, QUIET[rng.integers(len(QUIET))])
    canvas.fill(ground, ground)
    size = SIZES[scene.size] if scene.count == 1 and not scene.relation else (0.17 if scene.count < 3 else 0.125)
    radius = size * canvas.short
    right, down = rng.choice(_SHIFTS, 2)
    figures = scene.figures if scene.relation else scene.figures * scene.count
    for figure, (x, y) in zip(figures, _places(canvas, scene), strict=True):
        field = FIELDS[figure.shape](radius)
        canvas.paint(field, (x + right, y + down), 1.1 * radius, colour_of(rng, figure.colour))


def _places(canvas: _Canvas, scene: Figures) -> list[tuple[float, float]]:
    if scene.relation:
        places = [(0.27, 0.5), (0.73, 0.5)] if scene.relation in ("left of", "right of") else [(0.5, 0.27), (0.5, 0.73)]
        return places if scene.relation in ("left of", "above") else places[::-1]
    match scene.count:
        case 1:
            return [PLACES[scene.place]]
        case 2:
            return [(0.29, 0.5), (0.71, 0.5)]
        case 3:
            # In a row where there is room for one, else one above two.
            if canvas.width >= canvas.height:
                return [(0.2, 0.5), (0.5, 0.5), (0.8, 0.5)]
            return [(0.5, 0.28), (0.28, 0.68), (0.72, 0.68)]
    return [(0.3, 0.3), (0.7, 0.3), (0.3, 0.7), (0.7, 0.7)]


_SKIES = {
    "day": ((88, 164, 232), (198, 226, 246)),
    "sunset": ((108, 70, 142), (250, 158, 86)),
    "night": ((16, 22, 50), (42, 58, 104)),
    "dawn": ((150, 170, 222), (252, 208, 190)),
    "clouds": ((150, 162, 176), (206, 212, 218)),
}
_GROUNDS = {
    "hills": (92, 162, 84),
    "mountains": (104, 112, 132),
    "sea": (38, 108, 170),
    "field": (140, 180, 84),
    "desert": (226, 186, 124),
    "snow": (240, 244, 250),
}
_DIM = {"night": 0.45, "sunset": 0.78, "dawn": 0.9}
_SIDES = {"left": 0.24, "middle": 0.5, "right": 0.76}
_LIGHT_HEIGHT = 0.23
_TREE_PLACES = (0.1, 0.3, 0.5, 0.7, 0.9)
_CLOUDS = ((0.14, 0.14), (0.38, 0.27), (0.62, 0.12), (0.86, 0.25))
_STARS = (
    (0.07, 0.1),
    (0.16, 0.4),
    (0.3, 0.08),
    (0.36, 0.33),
    (0.44, 0.47),
    (0.55, 0.06),
    (0.63, 0.37),
    (0.7, 0.14),
    (0.85, 0.44),
    (0.94, 0.09),
)
_PEAKS = (
    ((0.2, 0.47), (0.78, 0.43), (0.5, 0.38)),
    ((0.52, 0.49), (0.86, 0.45), (0.24, 0.39)),
    ((0.46, 0.48), (0.1, 0.44), (0.76, 0.38)),
)
"""Left to right and top to bottom; the last one stands in front."""


def _draw_landscape(rng: np.random.Generator, canvas: _Canvas, scene: Landscape) -> None:
    _draw_sky(rng, canvas, scene)
    dim = _DIM.get(scene.sky, 1.0)
    horizon = _draw_ground(rng, canvas, scene, dim)
    if scene.boat:
        _draw_boat(rng, canvas, scene.boat, horizon, dim)
    standing = horizon + 0.13
    taken = _SIDES[scene.house_side] if scene.house else None
    for x in _tree_places(rng, scene.trees, taken):
        _draw_tree(rng, canvas, (x, standing), scene, dim)
    if scene.house:
        _draw_house(rng, canvas, (_SIDES[scene.house_side], standing + 0.02), scene.house, dim)


def _draw_sky(rng: np.random.Generator, canvas: _Canvas, scene: Landscape) -> None:
    if scene.sky in _SKIES:
        top, bottom = (tint(rng, rgb) for rgb in _SKIES[scene.sky])
    else:
        top = colour_of(rng, scene.sky)
        bottom = top + 0.18 * (255 - top)
    canvas.fill(top, bottom)
    if scene.sky == "night":
        dot = 0.01 * canvas.short
        mirrored = rng.random() < 0.5
        for x, y in _STARS:
            canvas.paint(circle(dot), (1 - x if mirrored else x, y), dot, tint(rng, (236, 238, 250)))
    if scene.light:
        centre = _SIDES[scene.light_side], _LIGHT_HEIGHT
        if scene.light == "sun":
            usual = (250, 122, 62) if scene.sky == "sunset" else (254, 222, 92)
            colour = colour_of(rng, scene.light_colour) if scene.light_colour else tint(rng, usual)
            canvas.paint(circle(0.145 * canvas.short), centre, 0.15 * canvas.short, colour, opacity=0.28)
            canvas.paint(circle(0.1 * canvas.short), centre, 0.1 * canvas.short, colour)
        else:
            radius = 0.095 * canvas.short

            def crescent(x: Pixels, y: Pixels) -> Pixels:
                return np.maximum(circle(radius)(x, y), -circle(0.86 * radius)(x - 0.5 * radius, y + 0.2 * radius))

            canvas.paint(crescent, centre, radius, tint(rng, (246, 240, 214)))
    if scene.cloudy:
        free = [place for place in _CLOUDS if not scene.light or abs(place[0] - _SIDES[scene.light_side]) > 0.13]
        for index in rng.choice(len(free), 2, replace=False):
            _draw_cloud(rng, canvas, free[index])


def _draw_cloud(rng: np.random.Generator, canvas: _Canvas, centre: tuple[float, float]) -> None:
    size = 0.065 * canvas.short

    def field(x: Pixels, y: Pixels) -> Pixels:
        puffs = circle(size)(x, y), circle(0.72 * size)(x + 1.1 * size, y - 0.28 * size)
        third = circle(0.76 * size)(x - 1.1 * size, y - 0.24 * size)
        return np.maximum(np.minimum(np.minimum(*puffs), third), y - 0.6 * size)

    canvas.paint(field, centre, 2 * size, tint(rng, (250, 251, 253)), opacity=0.92)


def _draw_ground(rng: np.random.Generator, canvas: _Canvas, scene: Landscape, dim: float) -> float:
    """Returns the height of the horizon, a fraction of the picture's."""
    usual = tint(rng, _GROUNDS[scene.ground])
    near = (colour_of(rng, scene.ground_colour) if scene.ground_colour else usual) * dim
    x = canvas.columns
    turn = rng.integers(0, 4) * math.pi / 2
    match scene.ground:
        case "sea":
            horizon = 0.6
            canvas.paint_below(np.full_like(x, horizon), near + 0.25 * (255 - near), near * 0.8)
        case "field":
            horizon = 0.66
            canvas.paint_below(np.full_like(x, horizon), near, near * 0.86)
        case "mountains":
            horizon = 0.7
            for peak, shade in zip(_PEAKS[rng.integers(len(_PEAKS))], (0.86, 0.92, 1.0), strict=True):
                _draw_mountain(canvas, peak, near * shade, dim)
            ground = near * 0.62 + 0.2 * tint(rng, _GROUNDS["hills"]) * dim
            canvas.paint_below(horizon + 0.012 * np.sin(5 * x), ground, ground * 0.85)
        case _:
            horizon = 0.66
            far = near + 0.22 * (canvas.pixels[int(0.6 * canvas.height), 0] - near)
            canvas.paint_below(0.6 + 0.045 * np.sin(5.5 * x + turn), far, far)
            canvas.paint_below(0.74 + 0.045 * np.sin(4.2 * x + 1 - turn), near, near * 0.88)
    return horizon


def _draw_mountain(canvas: _Canvas, peak: tuple[float, float], colour: Pixels, dim: float) -> None:
    height = (0.72 - peak[1]) * canvas.height
    slope = 0.85
    canvas.paint(polygon((0, 0), (slope * height, height), (-slope * height, height)), peak, height, colour)
    cap = 0.26 * height
    snow = np.asarray((246, 248, 252), np.float32) * max(dim, 0.7)
    canvas.paint(polygon((0, 0), (slope * cap, cap), (-slope * cap, cap)), peak, cap, snow)


def _tree_places(rng: np.random.Generator, count: int, taken: float | None) -> list[float]:
    free = [x for x in _TREE_PLACES if taken is None or abs(x - taken) > 0.2]
    return sorted(float(x) for x in rng.choice(free, min(count, len(free)), replace=False))


def _draw_tree(
    rng: np.random.Generator, canvas: _Canvas, foot: tuple[float, float], scene: Landscape, dim: float
) -> None:
    size = 0.1 * canvas.short
    trunk = tint(rng, (104, 74, 52)) * dim
    canvas.paint(
        polygon((-0.16 * size, -1.3 * size), (0.16 * size, -1.3 * size), (0.16 * size, 0), (-0.16 * size, 0)),
        foot,
        1.4 * size,
        trunk,
    )
    leaves = (colour_of(rng, scene.tree_colour) if scene.tree_colour else tint(rng, (46, 122, 62))) * dim
    crown = foot[0], foot[1] - 1.5 * size / canvas.height
    if scene.ground in ("snow", "mountains"):  # a fir
        canvas.paint(
            polygon((0, -1.5 * size), (0.85 * size, 0.8 * size), (-0.85 * size, 0.8 * size)), crown, 1.6 * size, leaves
        )
    else:
        canvas.paint(circle(size), crown, size, leaves)


def _draw_house(rng: np.random.Generator, canvas: _Canvas, foot: tuple[float, float], name: str, dim: float) -> None:
    size = 0.12 * canvas.short
    reach = 2.4 * size
    wall = colour_of(rng, name) * dim
    roof = tint(rng, (150, 66, 52) if name not in ("red", "orange", "brown") else (70, 66, 72)) * dim
    lit = tint(rng, (255, 226, 140))  # windows are lit at any hour
    canvas.paint(polygon((-size, -1.3 * size), (size, -1.3 * size), (size, 0), (-size, 0)), foot, reach, wall)
    canvas.paint(
        polygon((0, -2.2 * size), (1.25 * size, -1.28 * size), (-1.25 * size, -1.28 * size)), foot, reach, roof
    )
    canvas.paint(
        polygon(
            (-0.7 * size, -0.95 * size),
            (-0.2 * size, -0.95 * size),
            (-0.2 * size, -0.45 * size),
            (-0.7 * size, -0.45 * size),
        ),
        foot,
        reach,
        lit,
    )
    canvas.paint(
        polygon((0.2 * size, -0.75 * size), (0.65 * size, -0.75 * size), (0.65 * size, 0), (0.2 * size, 0)),
        foot,
        reach,
        roof,
    )


def _draw_boat(rng: np.random.Generator, canvas: _Canvas, name: str, horizon: float, dim: float) -> None:
    size = 0.14 * canvas.short
    foot = float(rng.choice((0.3, 0.5, 0.7))), horizon + 0.1
    hull = colour_of(rng, name) * dim
    sail = tint(rng, (248, 246, 240) if name != "white" else (226, 90, 70)) * max(dim, 0.8)
    canvas.paint(
        polygon((-size, -0.35 * size), (size, -0.35 * size), (0.65 * size, 0.1 * size), (-0.65 * size, 0.1 * size)),
        foot,
        2 * size,
        hull,
    )
    canvas.paint(polygon((0, -1.7 * size), (0.8 * size, -0.5 * size), (0, -0.5 * size)), foot, 2 * size, sail)
    canvas.paint(
        polygon((-0.1 * size, -1.4 * size), (-0.1 * size, -0.5 * size), (-0.6 * size, -0.5 * size)),
        foot,
        2 * size,
        sail,
    )
