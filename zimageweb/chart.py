"""The geometry of the account page's bar chart; a template writes the SVG, so that colours stay in style sheets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from generation.spending import Day

WIDTH, HEIGHT = 640, 150
_LEFT = 44  # room for the numbers of the scale
_TOP, _BOTTOM = 10, 124
_GAP = 0.28  # of a bar's place
_DATE_EVERY = 7  # days


@dataclass(frozen=True, slots=True)
class Bar:
    """Lengths in units of the drawing, written with a full stop in every language."""

    day: Day
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
    days: Sequence[Day]
    limit: int | None  # pictures a day; drawn where it lies within the chart

    width = WIDTH
    height = HEIGHT
    left = _LEFT
    bottom = _BOTTOM

    @property
    def total(self) -> int:
        return sum(day.charged for day in self.days)

    @property
    def most(self) -> int:
        return max((day.charged for day in self.days), default=0)

    @property
    def top(self) -> int:
        """What the highest line stands for: an even number, so that half of it is whole too."""
        step = 10 ** max(0, math.floor(math.log10(self.most)) - 1) * 2 if self.most else 2
        return step * max(1, math.ceil(self.most / step))

    @property
    def bars(self) -> list[Bar]:
        place = (WIDTH - _LEFT) / max(1, len(self.days))
        return [self._bar(index, day, place) for index, day in enumerate(self.days)]

    @property
    def lines(self) -> list[Line]:
        return [Line(self._y(number), number) for number in (self.top, self.top // 2, 0)]

    @property
    def limit_line(self) -> Line | None:
        return Line(self._y(self.limit), self.limit) if self.limit and self.limit <= self.top else None

    def _bar(self, index: int, day: Day, place: float) -> Bar:
        x, y = _LEFT + place * (index + _GAP / 2), self._y(day.charged)
        return Bar(
            day,
            x=_units(x),
            y=y,
            width=_units(place * (1 - _GAP)),
            height=_units(_BOTTOM - float(y)),
            middle=_units(x + place * (1 - _GAP) / 2),
            has_date=(len(self.days) - 1 - index) % _DATE_EVERY == 0,
        )

    def _y(self, number: int) -> str:
        return _units(_BOTTOM - (_BOTTOM - _TOP) * number / self.top)


def _units(length: float) -> str:
    return f"{length:.1f}"
