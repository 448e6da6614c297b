"""Where people stand in line, and when their pictures start and are finished: read from the rows and from what the
live workers were measured to need."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heapreplace

from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from generation.models import Generation, State, Worker
from generation.speed import Speed, shown, typical


@dataclass(frozen=True, slots=True)
class Place:
    """Where an active row stands. Seconds are None while no worker has been measured."""

    id: int
    user_id: int
    position: int | None  # 1 is next; None: being drawn
    starts_in: float | None
    eta_seconds: float | None  # until it is finished

    def as_json(self) -> dict[str, float | int | None]:
        return {
            "position": self.position,
            "starts_in": _rounded(self.starts_in),
            "eta_seconds": _rounded(self.eta_seconds),
        }


@dataclass(frozen=True)
class Pace:
    """How fast the workers that are ready draw: None where it was neither measured nor seen yet."""

    workers: Mapping[str, Speed | None] = field(default_factory=dict)

    @cached_property
    def typical(self) -> Speed | None:
        """Of one worker, whichever it will be."""
        return typical([speed for speed in self.workers.values() if speed])

    def of(self, worker: str) -> Speed | None:
        return self.workers.get(worker) or self.typical

    def seen(self, speeds: Mapping[str, Speed]) -> Pace:
        """With these speeds, which what is being drawn shows."""
        return Pace({name: speeds.get(name, speed) for name, speed in self.workers.items()})


@dataclass(frozen=True)
class Line:
    """The whole queue at one moment, read at once: its price does not depend on how many people look at it.

    Of what waits only columns are kept, from which a place is made when somebody asks for it: ten thousand places at
    once would take ten times as long as reading them.
    """

    running: Mapping[int, Place] = field(default_factory=dict)
    waiting: Sequence[tuple[int, int, float, int]] = ()  # row, person, cost and pixels, in the order of drawing
    pace: Pace = field(default_factory=Pace)
    busy: Mapping[str, float] = field(default_factory=dict)  # seconds until each worker is done with what it draws
    measured: Speed | None = None  # of a typical worker, without what is being drawn: it changes with pictures only

    @property
    def length(self) -> int:
        return len(self.waiting)

    @property
    def workers(self) -> int:
        """How many are ready to draw."""
        return len(self.pace.workers)

    def place(self, pk: int) -> Place | None:
        if pk in self.running:
            return self.running[pk]
        index = self._index.get(pk)
        return None if index is None else self._at(index)

    def of(self, user_ids: Collection[int]) -> dict[int, list[Place]]:
        """The places of these people, by person."""
        found: dict[int, list[Place]] = defaultdict(list)
        for place in self.running.values():
            if place.user_id in user_ids:
                found[place.user_id].append(place)
        for index, (_, user_id, _, _) in enumerate(self.waiting):
            if user_id in user_ids:
                found[user_id].append(self._at(index))
        return found

    @property
    def eta_seconds(self) -> float | None:
        """Until everything is drawn; None where nothing is or nobody knows."""
        ends = [end for _, end in self._times] + [place.eta_seconds or 0.0 for place in self.running.values()]
        return max(ends, default=None) if self.pace.typical else None

    @cached_property
    def _index(self) -> dict[int, int]:
        return {row[0]: index for index, row in enumerate(self.waiting)}

    @cached_property
    def _times(self) -> list[tuple[float, float]]:
        """Seconds until each row that waits starts and ends: each goes to whichever worker is free first."""
        speeds = {name: speed for name in self.pace.workers if (speed := self.pace.of(name))}
        if not speeds:
            return []
        free = [(self.busy.get(name, 0.0), name) for name in speeds]
        heapify(free)
        times = []
        for _, _, cost, pixels in self.waiting:
            start, name = free[0]
            end = start + speeds[name].seconds(cost, pixels / 1e6)
            times.append((start, end))
            heapreplace(free, (end, name))
        return times

    def _at(self, index: int) -> Place:
        pk, user_id, _, _ = self.waiting[index]
        starts, ends = self._times[index] if self._times else (None, None)
        return Place(pk, user_id, index + 1, starts, ends)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def read_line() -> Line:
    """The queue as it stands now: what is being drawn, then what waits, in order."""
    measured = _read_pace()
    running, busy, seen = _read_running(measured)
    # One put back into the queue just now has been read already.
    waiting = (
        Generation.objects.in_line()
        .exclude(pk__in=list(running))
        .values_list("id", "user_id", "cost", F("width") * F("height"))
    )
    return Line(running, list(waiting), measured.seen(seen), busy, measured.typical)


def read_places(rows: Iterable[Generation]) -> Line:
    """The queue as far as those of these rows that wait need it: the database counts what is before them.

    With ten thousand rows waiting that takes a fifth of the time of reading them all. Where several workers draw,
    seconds are those of one that is as fast as all of them together.
    """
    pace = _read_pace()
    places, busy, seen = _read_running(pace)
    pace = pace.seen(seen)
    speed, workers = pace.typical, max(1, len(pace.workers))
    position, ahead = 0, sum(busy.values())
    last: Generation | None = None
    for row in sorted((row for row in rows if row.state == State.QUEUED), key=lambda row: (row.start_tag, row.pk)):
        before = Generation.objects.queued().filter(_earlier(row), start_tag__lte=row.start_tag)
        if last is not None:
            before = before.filter(~_earlier(last), start_tag__gte=last.start_tag)
        pixels = Sum(F("width") * F("height"), default=0)
        found = before.aggregate(number=Count("pk"), cost=Sum("cost", default=0.0), pixels=pixels)
        position += found["number"]
        starts = ends = None
        if speed:
            ahead += speed.seconds(found["cost"], found["pixels"] / 1e6)
            starts = 0.0 if position < len(pace.workers) - len(busy) else ahead / workers
            ends = starts + speed.seconds(row.cost, row.width * row.height / 1e6)
        places.setdefault(row.pk, Place(row.pk, row.user_id, position + 1, starts, ends))
        last = row
    return Line(places)


def _earlier(row: Generation) -> Q:
    """What is drawn before it."""
    return Q(start_tag__lt=row.start_tag) | Q(start_tag=row.start_tag, pk__lt=row.pk)


def _read_pace() -> Pace:
    return Pace({worker.name: worker.speed for worker in Worker.objects.all() if worker.is_ready})


def _read_running(pace: Pace) -> tuple[dict[int, Place], dict[str, float], dict[str, Speed]]:
    """What is being drawn; for each worker that draws, the seconds until it is done and the speed that this shows."""
    hands: dict[str, list[Generation]] = defaultdict(list)
    columns = ("user_id", "cost", "width", "height", "steps", "step", "worker", "started_at", "strength")
    for row in Generation.objects.running().only(*columns):
        hands[row.worker].append(row)
    now = timezone.now()
    places: dict[int, Place] = {}
    busy: dict[str, float] = {}
    seen: dict[str, Speed] = {}
    for worker, rows in hands.items():
        cost, megapixels = sum(row.cost for row in rows), sum(row.width * row.height for row in rows) / 1e6
        speed = _shown(rows, pace.of(worker), cost, megapixels, now)
        if speed:
            seen[worker] = speed
        stepping = speed.seconds(cost, 0.0) if speed else 0.0
        beside = speed.seconds(0.0, megapixels) if speed else 0.0
        for row in rows:
            left = _seconds_left(row, stepping, beside, now)
            places[row.pk] = Place(row.pk, row.user_id, None, 0.0, left if speed else None)
            busy[worker] = max(left, busy.get(worker, 0.0))
    return places, busy, seen


def _shown(
    rows: Sequence[Generation], known: Speed | None, cost: float, megapixels: float, now: dt.datetime
) -> Speed | None:
    """By the row that has come furthest: of several, steps are recorded one after another."""
    furthest = max(rows, key=lambda row: row.step)
    if furthest.started_at is None:
        return known
    seconds = (now - furthest.started_at).total_seconds()
    steps, step = furthest.drawn_steps, furthest.step
    return shown(known, cost=cost, megapixels=megapixels, steps=steps, step=step, seconds=seconds)


def _seconds_left(row: Generation, stepping: float, beside: float, now: dt.datetime) -> float:
    """Of drawings that take so many seconds for all steps and beside them. Steps say how far it is, the clock how far
    within a step and after the last one."""
    step = stepping / row.drawn_steps
    by_steps = stepping - row.step * step + beside
    elapsed = (now - row.started_at).total_seconds() if row.started_at else 0.0
    rest = beside if row.step == row.drawn_steps else step
    return max(0.0, min(by_steps, max(stepping + beside - elapsed, by_steps - rest)))
