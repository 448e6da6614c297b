"""The few shapes that our plots are made of: SVG readable on light paper, without a library. Lengths in pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

WIDTH = 760
LEFT, RIGHT = 70, 730
"""Of what is drawn between the axes."""


def document(parts: Iterable[str], height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def places(count: int) -> list[float]:
    """Where `count` things stand at equal distances, whatever their size."""
    return [LEFT + (RIGHT - LEFT) * (index + 0.5) / count for index in range(count)]


def scale(top: float, bottom: float, most: float, name: str) -> list[str]:
    """Five lines from 0 at `bottom` to `most` at `top`, and what they measure."""
    parts = [text(RIGHT, top - 6, name, anchor="end")]
    for quarter in range(5):
        y = bottom - (bottom - top) * quarter / 4
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}" stroke="#d4d4d8"/>')
        parts.append(text(LEFT - 8, y + 4, f"{most * quarter / 4:g}", anchor="end"))
    return parts


def curve(points: Sequence[tuple[float, float]], colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points),
    ]


def round_up(value: float) -> float:
    """The next of 1, 2, 4 times a power of ten: its quarters are short numbers."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 4, 10) if factor * power >= value)


def text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "middle", colour: str = "#27272a") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(words)}</text>"
    )
