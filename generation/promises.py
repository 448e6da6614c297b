"""What people have been told of their place in line, so that it gets worse only with a reason.

Estimates waver: each picture takes a little more or less than was measured. Told as they are, the end would move away
from people now and then although nothing has happened. So an earlier end is told at once, a slightly later one not at
all, and one that is later by more than that is told together with why. Knows no sockets and no database.
"""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from generation.places import Line, Place

# Seconds, or a share of what is left, by which a moment may be later, or earlier, without being told again.
_LATER = (2.0, 0.15)
_EARLIER = (0.5, 0.05)


class Delay(enum.StrEnum):
    """Why something takes longer than was said."""

    WORKER_LEFT = "worker_left"  # or has lost this picture
    OTHERS_FIRST = "others_first"  # people who have had less, or a picture that came back from a lost worker
    SLOWER = "slower"  # drawing takes longer than was measured


@dataclass(frozen=True, slots=True)
class Promise:
    """A place as it was told; moments are of the clock that `Promises.renew` is given, None if nobody knows."""

    position: int | None
    starts_at: float | None
    ends_at: float | None
    delay: Delay | None = None  # why the last change for the worse
    # Not said, so pages are not told again when only this changes:
    workers: int = field(default=0, compare=False)
    cause: Delay | None = field(default=None, compare=False)  # what has happened since, should it turn out to matter

    def as_json(self, now: float) -> dict[str, Any]:
        def until(moment: float | None) -> float | None:
            return None if moment is None else round(max(0.0, moment - now), 1)

        return {
            "position": self.position,
            "starts_in": until(self.starts_at),
            "eta_seconds": until(self.ends_at),
            "delay": self.delay,
        }


class Promises:
    """The promises of one process, by generation; those of rows that are no longer asked for are forgotten."""

    def __init__(self) -> None:
        self._made: dict[int, Promise] = {}
        self._waiting: set[int] = set()
        self._ranks: dict[int, int] = {}  # of what waits, among its person's own

    def renew(self, line: Line, places: Iterable[Place], now: float) -> dict[int, Promise]:
        """What to say now of these places of `line`; equal to what was said before unless something has changed."""
        pushed_in = self._first_newcomer(line)
        ranks = _ranks(line)
        made = {}
        for place in places:
            fresh = _fresh(place, line.workers, now)
            told = self._made.get(place.id)
            overtaken = pushed_in is not None and place.position is not None and pushed_in < place.position
            # Only its own person moves a row back among their own; that is no news to them.
            put_back = not overtaken and ranks.get(place.id, 0) > self._ranks.get(place.id, math.inf)
            made[place.id] = fresh if told is None or put_back else _renewed(told, fresh, overtaken, now)
        self._made, self._ranks = made, ranks
        return made

    def _first_newcomer(self, line: Line) -> int | None:
        """The best position of a row that did not wait when the line was read last."""
        known, self._waiting = self._waiting, {row[0] for row in line.waiting}
        return next((place for place, row in enumerate(line.waiting, 1) if row[0] not in known), None)


def _ranks(line: Line) -> dict[int, int]:
    counts: Counter[int] = Counter()
    ranks = {}
    for pk, user_id, _, _ in line.waiting:
        counts[user_id] += 1
        ranks[pk] = counts[user_id]
    return ranks


def _fresh(place: Place, workers: int, now: float) -> Promise:
    starts_at, ends_at = (
        None if seconds is None else now + seconds for seconds in (place.starts_in, place.eta_seconds)
    )
    return Promise(place.position, starts_at, ends_at, workers=workers)


def _renewed(told: Promise, fresh: Promise, overtaken: bool, now: float) -> Promise:
    cause = told.cause
    if fresh.workers < told.workers:
        cause = Delay.WORKER_LEFT
    elif overtaken:
        cause = cause or Delay.OTHERS_FIRST
    if told.position is None and fresh.position is not None:
        return replace(fresh, delay=Delay.WORKER_LEFT)
    moved_back = told.position is not None and fresh.position is not None and fresh.position > told.position
    if moved_back or _is_late(told, fresh, now):
        return replace(fresh, delay=cause or (Delay.OTHERS_FIRST if moved_back else Delay.SLOWER))
    ends_at = _held(told.ends_at, fresh.ends_at, now)
    is_better = told.ends_at is not None and ends_at != told.ends_at
    is_drawn = told.position is not None and fresh.position is None
    return replace(
        fresh,
        starts_at=_held(told.starts_at, fresh.starts_at, now),
        ends_at=ends_at,
        delay=None if is_better or is_drawn else told.delay,  # the bad news is over
        cause=cause,
    )


def _is_late(told: Promise, fresh: Promise, now: float) -> bool:
    if told.ends_at is None:
        return False
    if fresh.ends_at is None:
        return True
    return fresh.ends_at - told.ends_at > _slack(_LATER, fresh.ends_at, now)


def _held(told: float | None, fresh: float | None, now: float) -> float | None:
    """What was told stays, so that pages need not be told again, unless it comes true clearly earlier."""
    if told is None or fresh is None or told - fresh > _slack(_EARLIER, fresh, now):
        return fresh
    return told


def _slack(least_and_share: tuple[float, float], moment: float, now: float) -> float:
    least, share = least_and_share
    return max(least, share * (moment - now))
