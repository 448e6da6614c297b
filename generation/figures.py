"""What the whole site does, in figures for those who run it: pictures of each day, the line, waits, storage, workers.

Five queries however large the site is. Each reads an index and no row beyond it, but for the latest waits, which are
bounded, and the workers, who are few. What one person used is `spending`'s and `quotas`'.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum, Value
from django.utils import timezone

from gallery import disk
from gallery.models import Image
from generation.catalogue import Model
from generation.models import Generation, State, Worker
from generation.quotas import midnight

DAYS = 30
LATEST = 1_000  # pictures of today whose waits are looked at
_FAILED = -1  # in the place of a day's number


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds between asking and being drawn, of today's latest pictures; None before the first."""

    number: int = 0
    median: float | None = None
    p95: float | None = None

    @property
    def are_latest(self) -> bool:
        """Whether there may have been more than were looked at."""
        return self.number >= LATEST


@dataclass(frozen=True, slots=True)
class Queue:
    pictures: int  # that wait
    people: int  # who wait for them


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pictures that were finished on each of the last `DAYS` days of the site's calendar, today last, whether they
    are still kept or not."""

    days: dict[dt.date, int]
    failed_today: int
    waits: Waits
    queue: Queue

    @property
    def today(self) -> int:
        return next(reversed(self.days.values()))

    @property
    def total(self) -> int:
        return sum(self.days.values())

    @property
    def failed_percent(self) -> float | None:
        """Of what was drawn or failed today; None where nothing was. What people cancelled is neither."""
        ended = self.today + self.failed_today
        return 100 * self.failed_today / ended if ended else None


@dataclass(frozen=True, slots=True)
class Storage:
    used: int  # bytes of all pictures, those in the bin too
    room: disk.Use | None  # None where they lie on no disk of this machine


@dataclass(frozen=True, slots=True)
class Painter:
    """A worker, and what it needs for a square picture as its model draws best; None before it was measured."""

    worker: Worker
    seconds: float | None

    @property
    def is_silent(self) -> bool:
        """It says that it works, but has not been heard of."""
        return not self.worker.is_alive and not self.worker.has_ended

    @property
    def device(self) -> str:
        return str(self.worker.card.get("device") or "")


@dataclass(frozen=True, slots=True)
class Figures:
    """None is what was not asked for."""

    drawn: Drawn | None
    storage: Storage | None
    painters: list[Painter] | None


def figures(*, generations: bool, images: bool, workers: bool) -> Figures:
    """Where the site stands now. The caller says which rooms the reader may see; no other is looked into."""
    return Figures(
        drawn=_drawn() if generations else None,
        storage=_storage() if images else None,
        painters=[_painter(worker) for worker in Worker.objects.all()] if workers else None,
    )


def _drawn() -> Drawn:
    today = timezone.now().astimezone(timezone.get_default_timezone()).date()
    dates = [today - dt.timedelta(days=back) for back in reversed(range(DAYS))]
    counts = _counts(dates)
    return Drawn(
        days={date: counts[number] for number, date in enumerate(dates)},
        failed_today=counts[_FAILED],
        waits=_waits(midnight(today)),
        queue=Queue(**Generation.objects.queued().aggregate(pictures=Count("*"), people=Count("user", distinct=True))),
    )


def _counts(dates: list[dt.date]) -> dict[int, int]:
    """One query of a count a day: grouping by the date would have SQLite call Python for each row."""
    each = [_count(number, State.SUCCEEDED, date) for number, date in enumerate(dates)]
    failed = _count(_FAILED, State.FAILED, dates[-1])
    return {row["day"]: row["number"] for row in failed.union(*each, all=True)}


def _count(number: int, state: State, date: dt.date) -> QuerySet[Any, Any]:
    start, end = midnight(date), midnight(date + dt.timedelta(days=1))
    rows = Generation.objects.filter(state=state, finished_at__gte=start, finished_at__lt=end).order_by()
    return rows.values(day=Value(number)).annotate(number=Count("*"))


def _waits(start: dt.datetime) -> Waits:
    drawn = Generation.objects.filter(state=State.SUCCEEDED, finished_at__gte=start).order_by("-finished_at")
    times = drawn.values_list("created_at", "started_at")[:LATEST]
    waits = sorted(max(0.0, (began - asked).total_seconds()) for asked, began in times if began)
    if not waits:
        return Waits()
    return Waits(len(waits), median=statistics.median(waits), p95=waits[math.ceil(0.95 * len(waits)) - 1])


def _storage() -> Storage:
    used = Image.objects.order_by().aggregate(used=Sum("bytes"))["used"] or 0
    room = None
    with suppress(disk.NoLocalDisk, OSError):  # a disk that is away must not take the page with it
        room = disk.use()
    return Storage(used, room)


def _painter(worker: Worker) -> Painter:
    if worker.speed is None:
        return Painter(worker, None)
    model = Model.from_card(worker.card)
    square = model.shape(1, 1)
    megapixels = square["width"] * square["height"] / 1e6
    return Painter(worker, worker.speed.seconds(megapixels * model.default_steps, megapixels))
