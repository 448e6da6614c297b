"""The rounds of a load test as an SVG: seconds until the answer above, failures and pictures a second below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from zimageweb.loadtest.rounds import Round

_WIDTH, _HEIGHT = 760, 520
_LEFT, _RIGHT = 70, 730
_SECONDS = (50, 330)  # top and bottom of the upper part
_SHARES = (390, 480)
_LINES = (("worst", "#c2410c"), ("p95", "#7c3aed"), ("mean", "#0f766e"))


def draw(rounds: Sequence[Round], title: str) -> str:
    """An SVG document, readable on light paper; the rounds stand at equal distances, whatever their size."""
    places = [_LEFT + (_RIGHT - _LEFT) * (index + 0.5) / len(rounds) for index in range(len(rounds))]
    parts = [_text(_LEFT, 28, title, size=15, anchor="start")]
    parts += _seconds(rounds, places)
    parts += _shares(rounds, places)
    parts += [_text(x, _SHARES[1] + 18, str(found.users)) for x, found in zip(places, rounds, strict=True)]
    parts.append(_text((_LEFT + _RIGHT) / 2, _SHARES[1] + 36, "people at once"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _seconds(rounds: Sequence[Round], places: Sequence[float]) -> list[str]:
    top, bottom = _SECONDS
    most = _round_up(max((found.worst or 0.0 for found in rounds), default=0.0))
    parts = _scale(top, bottom, most, "seconds until the picture is there")
    for number, (name, colour) in enumerate(_LINES):
        values = [(x, getattr(found, name)) for x, found in zip(places, rounds, strict=True)]
        points = [(x, bottom - (bottom - top) * value / most) for x, value in values if value is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        parts.append(_text(_LEFT + 10 + 70 * number, top - 6, f"● {name}", colour=colour, anchor="start"))
    return parts


def _shares(rounds: Sequence[Round], places: Sequence[float]) -> list[str]:
    top, bottom = _SHARES
    parts = _scale(top, bottom, 100.0, "failed, percent")
    for x, found in zip(places, rounds, strict=True):
        height = (bottom - top) * found.failed / 100
        parts.append(
            f'<rect x="{x - 12:.1f}" y="{bottom - height:.1f}" width="24" height="{height:.1f}" fill="#b91c1c"/>'
        )
        parts.append(_text(x, bottom - height - 5, f"{found.failed:.0f} % · {found.rate:.1f} images/s", size=10))
    return parts


def _scale(top: float, bottom: float, most: float, name: str) -> list[str]:
    parts = [_text(_RIGHT, top - 6, name, anchor="end")]
    for quarter in range(5):
        y = bottom - (bottom - top) * quarter / 4
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}" stroke="#d4d4d8"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{most * quarter / 4:g}", anchor="end"))
    return parts


def _round_up(value: float) -> float:
    """The next of 1, 2, 4 times a power of ten: its quarters are short numbers."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 4, 10) if factor * power >= value)


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "middle", colour: str = "#27272a") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
    )
