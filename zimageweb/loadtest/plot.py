"""The rounds of a load test as an SVG: seconds until the answer above, failures and pictures a second below."""

from __future__ import annotations

from collections.abc import Sequence

from zimageweb.loadtest import svg
from zimageweb.loadtest.rounds import Round

_HEIGHT = 520
_SECONDS = (50, 330)  # top and bottom of the upper part
_SHARES = (390, 480)
_LINES = (("worst", "#c2410c"), ("p95", "#7c3aed"), ("mean", "#0f766e"))


def draw(rounds: Sequence[Round], title: str) -> str:
    """An SVG document; the rounds stand at equal distances, whatever their size."""
    places = svg.places(len(rounds))
    parts = [svg.text(svg.LEFT, 28, title, size=15, anchor="start")]
    parts += _seconds(rounds, places)
    parts += _shares(rounds, places)
    parts += [svg.text(x, _SHARES[1] + 18, str(found.users)) for x, found in zip(places, rounds, strict=True)]
    parts.append(svg.text((svg.LEFT + svg.RIGHT) / 2, _SHARES[1] + 36, "people at once"))
    return svg.document(parts, _HEIGHT)


def _seconds(rounds: Sequence[Round], places: Sequence[float]) -> list[str]:
    top, bottom = _SECONDS
    most = svg.round_up(max((found.worst or 0.0 for found in rounds), default=0.0))
    parts = svg.scale(top, bottom, most, "seconds until the picture is there")
    for number, (name, colour) in enumerate(_LINES):
        values = [(x, getattr(found, name)) for x, found in zip(places, rounds, strict=True)]
        parts += svg.curve(
            [(x, bottom - (bottom - top) * value / most) for x, value in values if value is not None], colour
        )
        parts.append(svg.text(svg.LEFT + 10 + 70 * number, top - 6, f"● {name}", colour=colour, anchor="start"))
    return parts


def _shares(rounds: Sequence[Round], places: Sequence[float]) -> list[str]:
    top, bottom = _SHARES
    parts = svg.scale(top, bottom, 100.0, "failed, percent")
    for x, found in zip(places, rounds, strict=True):
        height = (bottom - top) * found.failed / 100
        parts.append(
            f'<rect x="{x - 12:.1f}" y="{bottom - height:.1f}" width="24" height="{height:.1f}" fill="#b91c1c"/>'
        )
        parts.append(svg.text(x, bottom - height - 5, f"{found.failed:.0f} % · {found.rate:.1f} images/s", size=10))
    return parts
