"""Shapes as signed distance fields: how far, in pixels, each pixel lies outside a shape (negative inside).

Those of the simple shapes are known from Inigo Quilez, *2D distance functions*.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.floating[Any]]
Field: TypeAlias = Callable[[Pixels, Pixels], Pixels]
"""Of x and y, counted from the shape's centre."""


def circle(radius: float) -> Field:
    return lambda x, y: np.hypot(x, y) - radius


def square(radius: float) -> Field:
    side = 0.86 * radius
    return lambda x, y: np.maximum(np.abs(x), np.abs(y)) - side


def triangle(radius: float) -> Field:
    """Equilateral, one corner up, as large as its circumscribed circle of `radius`."""
    return lambda x, y: np.maximum(y, np.abs(x) * math.sqrt(3) / 2 - y / 2) - radius / 2


def star(radius: float) -> Field:
    """Five points, one up."""
    sector, inner = math.pi / 5, 0.42 * radius
    tip, notch = np.array([radius, 0.0]), inner * np.array([math.cos(sector), math.sin(sector)])
    along = (notch - tip) / np.linalg.norm(notch - tip)

    def field(x: Pixels, y: Pixels) -> Pixels:
        angle = np.abs((np.arctan2(x, -y) + sector) % (2 * sector) - sector)
        length = np.hypot(x, y)
        across = length * np.cos(angle) - tip[0], length * np.sin(angle)
        return (across[0] * along[1] - across[1] * along[0]).astype(np.float32)

    return field


def heart(radius: float) -> Field:
    """A square on its corner with a half circle on each of its upper sides."""
    half = 0.56 * radius
    down = 0.12 * radius

    def field(x: Pixels, y: Pixels) -> Pixels:
        aside, y = np.abs(x), y - down
        box = (aside + np.abs(y)) / math.sqrt(2) - half
        lobe = np.hypot(aside - half / math.sqrt(2), y + half / math.sqrt(2)) - half
        return np.minimum(box, lobe)

    return field


def polygon(*corners: tuple[float, float]) -> Field:
    """A convex polygon; corners in pixels, clockwise as seen."""
    edges = list(zip(corners, (*corners[1:], corners[0]), strict=True))

    def field(x: Pixels, y: Pixels) -> Pixels:
        sides = []
        for (from_x, from_y), (to_x, to_y) in edges:
            along_x, along_y = to_x - from_x, to_y - from_y
            length = math.hypot(along_x, along_y)
            sides.append(((x - from_x) * along_y - (y - from_y) * along_x) / length)
        return np.maximum.reduce(np.broadcast_arrays(*sides)).astype(np.float32)

    return field


FIELDS = {"circle": circle, "square": square, "triangle": triangle, "star": star, "heart": heart}
