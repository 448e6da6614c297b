"""The geometry of a bar chart with a bar a day; a template writes the SVG, so that colours stay in style sheets."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 150
_LEFT = 44  # room for the numbers of the scale
_TOP, _BOTTOM = 10, 124
_GAP = 0.28  # of a bar's place
_DATE_EVERY = 7  # days


@dataclass(frozen=True, slots=True)
class Bar:
    """Lengths in units of the drawing, written with a full stop in every language."""

    date: dt.date
    number: int
    x: str
    y: str
    width: str
    height: str
    middle: str
    has_date: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart and the number that it stands for."""

    y: str
    number: int


@dataclass(frozen=True, slots=True)
class BarChart:
    numbers: Mapping[dt.date, int]  # of each day, in their order
    limit: int | None = None  # a day; drawn where it lies within the chart

    width = WIDTH
    height = HEIGHT
    left = _LEFT
    bottom = _BOTTOM

    @property
    def total(self) -> int:
        return sum(self.numbers.values())

    @property
    def most(self) -> int:
        return max(self.numbers.values(), default=0)

    @property
    def top(self) -> int:
        """What the highest line stands for: an even number, so that half of it is whole too."""
        step = 10 ** max(0, math.floor(math.log10(self.most)) - 1) * 2 if self.most else 2
        return step * max(1, math.ceil(self.most / step))

    @property
    def bars(self) -> list[Bar]:
        place = (WIDTH - _LEFT) / max(1, len(self.numbers))
        return [self._bar(index, date, place) for index, date in enumerate(self.numbers)]

    @property
    def lines(self) -> list[Line]:
        return [Line(self._y(number), number) for number in (self.top, self.top // 2, 0)]

    @property
    def limit_line(self) -> Line | None:
        return Line(self._y(self.limit), self.limit) if self.limit and self.limit <= self.top else None

    def _bar(self, index: int, date: dt.date, place: float) -> Bar:
        x, y = _LEFT + place * (index + _GAP / 2), self._y(self.numbers[date])
        return Bar(
            date,
            self.numbers[date],
            x=_units(x),
            y=y,
            width=_units(place * (1 - _GAP)),
            height=_units(_BOTTOM - float(y)),
            middle=_units(x + place * (1 - _GAP) / 2),
            has_date=(len(self.numbers) - 1 - index) % _DATE_EVERY == 0,
        )

    def _y(self, number: int) -> str:
        return _units(_BOTTOM - (_BOTTOM - _TOP) * number / self.top)


def _units(length: float) -> str:
    return f"{length:.1f}"
