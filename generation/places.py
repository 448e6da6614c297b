"""Where people stand in line, and when their pictures start and are finished: read from the rows and from what the
live workers were measured to need."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heapreplace

from django.db.models import Count, Q, Sum
from django.utils import timezone

from generation.models import Generation, State, Worker


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
    """What the workers that are ready need for a megapixel-step, in seconds: None where it was not measured yet."""

    workers: Mapping[str, float | None] = field(default_factory=dict)

    @cached_property
    def typical(self) -> float | None:
        """Of one worker: the measured ones' mean speed, as seconds for a megapixel-step."""
        measured = [seconds for seconds in self.workers.values() if seconds]
        return len(measured) / sum(1 / seconds for seconds in measured) if measured else None

    def of(self, worker: str) -> float | None:
        return self.workers.get(worker) or self.typical


@dataclass(frozen=True)
class Line:
    """The whole queue at one moment, read at once: its price does not depend on how many people look at it.

    Of what waits only columns are kept, from which a place is made when somebody asks for it: ten thousand places at
    once would take ten times as long as reading them.
    """

    running: Mapping[int, Place] = field(default_factory=dict)
    waiting: Sequence[tuple[int, int, float]] = ()  # row, person and cost, in the order of drawing
    pace: Pace = field(default_factory=Pace)
    busy: Mapping[str, float] = field(default_factory=dict)  # megapixel-steps that are left of what each worker draws

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
        for index, (_, user_id, _) in enumerate(self.waiting):
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
        if not self.pace.typical:
            return []
        free = [
            (self.busy.get(name, 0.0) * (seconds := self.pace.of(name) or 0.0), seconds) for name in self.pace.workers
        ]
        heapify(free)
        times = []
        for _, _, cost in self.waiting:
            start, seconds = free[0]
            times.append((start, start + cost * seconds))
            heapreplace(free, (start + cost * seconds, seconds))
        return times

    def _at(self, index: int) -> Place:
        pk, user_id, _ = self.waiting[index]
        starts, ends = self._times[index] if self._times else (None, None)
        return Place(pk, user_id, index + 1, starts, ends)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def read_line() -> Line:
    """The queue as it stands now: what is being drawn, then what waits, in order."""
    pace = _read_pace()
    running, busy = _read_running(pace)
    # One put back into the queue just now has been read already.
    waiting = Generation.objects.in_line().exclude(pk__in=list(running)).values_list("id", "user_id", "cost")
    return Line(running, list(waiting), pace, busy)


def read_places(rows: Iterable[Generation]) -> Line:
    """The queue as far as those of these rows that wait need it: the database counts what is before them.

    With ten thousand rows waiting that takes a fifth of the time of reading them all. Where several workers draw,
    seconds are those of one that is as fast as all of them together.
    """
    pace = _read_pace()
    places, busy = _read_running(pace)
    seconds = pace.typical
    idle = len(pace.workers) - len(busy)
    position, ahead = 0, sum(busy.values())
    last: Generation | None = None
    for row in sorted((row for row in rows if row.state == State.QUEUED), key=lambda row: (row.start_tag, row.pk)):
        before = Generation.objects.queued().filter(_earlier(row), start_tag__lte=row.start_tag)
        if last is not None:
            before = before.filter(~_earlier(last), start_tag__gte=last.start_tag)
        found = before.aggregate(number=Count("pk"), cost=Sum("cost", default=0.0))
        position += found["number"]
        ahead += found["cost"]
        starts = ends = None
        if seconds:
            starts = 0.0 if position < idle else ahead * seconds / max(1, len(pace.workers))
            ends = starts + row.cost * seconds
        places.setdefault(row.pk, Place(row.pk, row.user_id, position + 1, starts, ends))
        last = row
    return Line(places)


def _earlier(row: Generation) -> Q:
    """What is drawn before it."""
    return Q(start_tag__lt=row.start_tag) | Q(start_tag=row.start_tag, pk__lt=row.pk)


def _read_pace() -> Pace:
    return Pace({worker.name: worker.seconds_per_cost for worker in Worker.objects.all() if worker.is_ready})


def _read_running(pace: Pace) -> tuple[dict[int, Place], dict[str, float]]:
    """What is being drawn, and the megapixel-steps that are left of it by worker."""
    hands: dict[str, list[Generation]] = defaultdict(list)
    for row in Generation.objects.running().only("user_id", "cost", "steps", "step", "worker", "started_at"):
        hands[row.worker].append(row)
    now = timezone.now()
    places: dict[int, Place] = {}
    busy: dict[str, float] = {}
    for worker, rows in hands.items():
        seconds, cost = pace.of(worker), sum(row.cost for row in rows)
        for row in rows:
            left = cost * _share_left(row, cost * seconds if seconds else None, now)
            places[row.pk] = Place(row.pk, row.user_id, None, 0.0, left * seconds if seconds else None)
            busy[worker] = max(left, busy.get(worker, 0.0))
    return places, busy


def _share_left(row: Generation, seconds: float | None, now: dt.datetime) -> float:
    """Of the whole drawing, which takes so many seconds. Steps say how far it is, the clock how far within a step."""
    by_steps = (row.steps - row.step) / row.steps
    if not seconds or row.started_at is None:
        return by_steps
    by_clock = 1 - (now - row.started_at).total_seconds() / seconds
    return min(by_steps, max(by_clock, by_steps - 1 / row.steps))
