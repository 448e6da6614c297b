"""The place in line that people are told, and how long it is said to take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation import places, services
from generation.models import Generation, Worker
from generation.speed import Speed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

Ask = Callable[..., list[Generation]]


def test_positions_follow_the_order_of_drawing(alice: User, bob: User, ask: Ask) -> None:
    hers, his = ask(alice, 2), ask(bob, 1)
    line = places.read_line()
    assert [line.place(row.pk).position for row in (hers[0], hers[1], his[0])] == [1, 3, 2]
    assert line.place(hers[0].pk).eta_seconds is None, "no worker has been measured"


def test_a_few_places_are_the_same_as_in_the_whole_line(alice: User, bob: User, ask: Ask) -> None:
    Worker.objects.create(name="w", state=Worker.State.DRAWING, seconds_per_cost=2_000.0)
    hers, his = ask(alice, 5), ask(bob, 4)
    (drawn,) = services.start(worker="w", most=1)
    line, few = places.read_line(), places.read_places([his[3], hers[0], *hers[2:]])
    assert drawn.pk == hers[0].pk
    for row in (hers[0], *hers[2:], his[3]):
        place, found = line.place(row.pk), few.place(row.pk)
        assert place and found
        assert (found.position, found.user_id) == (place.position, place.user_id)
        assert found.starts_in == pytest.approx(place.starts_in, abs=1.0)
        assert found.eta_seconds == pytest.approx(place.eta_seconds, abs=1.0)
    assert few.place(hers[1].pk) is None


def test_waiting_times_rest_on_what_live_workers_measured(alice: User, ask: Ask) -> None:
    rows = ask(alice, 3)
    one = rows[0].cost * 2.0  # seconds a picture takes at two seconds for a megapixel-step
    for name in ("w1", "w2"):
        Worker.objects.create(name=name, state=Worker.State.IDLE, seconds_per_cost=2.0)
    Worker.objects.create(name="gone", state=Worker.State.STOPPED, seconds_per_cost=0.001)
    line = places.read_line()
    found = [line.place(row.pk) for row in rows]
    assert [place.starts_in for place in found] == pytest.approx([0, 0, one])
    assert [place.eta_seconds for place in found] == pytest.approx([one, one, 2 * one])
    assert line.eta_seconds == pytest.approx(2 * one)
    assert line.workers == 2


def test_what_decoding_takes_is_reckoned_by_size_and_not_by_steps(alice: User, ask: Ask) -> None:
    few, many = ask(alice, steps=2) + ask(alice, steps=8)
    worker = Worker.objects.create(
        name="w", state=Worker.State.IDLE, seconds_per_cost=2_000.0, seconds_per_megapixel=5_000.0
    )
    megapixels = 128 * 128 / 1e6
    first, second = megapixels * (2 * 2_000 + 5_000), megapixels * (8 * 2_000 + 5_000)
    line = places.read_line()
    assert line.place(few.pk).eta_seconds == pytest.approx(first)
    assert line.place(many.pk).eta_seconds == pytest.approx(first + second)
    assert places.read_places([many]).place(many.pk).eta_seconds == pytest.approx(first + second)
    (drawn,) = services.start(worker=worker.name, most=1)
    services.record_step(rows=[drawn], step=2)
    assert places.read_line().place(few.pk).eta_seconds == pytest.approx(megapixels * 5_000, abs=1.0)


def test_the_faster_of_two_workers_takes_more(alice: User, ask: Ask) -> None:
    rows = ask(alice, 4)
    Worker.objects.create(name="fast", state=Worker.State.IDLE, seconds_per_cost=1.0)
    Worker.objects.create(name="slow", state=Worker.State.IDLE, seconds_per_cost=3.5)
    line = places.read_line()
    starts = sorted(line.place(row.pk).starts_in / row.cost for row in rows)
    assert starts == pytest.approx([0, 0, 1, 2])


def test_a_worker_that_was_not_measured_yet_counts_as_one_like_the_others(alice: User, ask: Ask) -> None:
    rows = ask(alice, 2)
    Worker.objects.create(name="known", state=Worker.State.IDLE, seconds_per_cost=2.0)
    Worker.objects.create(name="new", state=Worker.State.IDLE)
    assert [places.read_line().place(row.pk).starts_in for row in rows] == [0, 0]


def test_what_is_drawn_together_ends_together(alice: User, ask: Ask) -> None:
    Worker.objects.create(name="w", state=Worker.State.DRAWING, seconds_per_cost=2_000.0)
    ask(alice, 4)
    rows = services.start(worker="w", most=3)
    services.record_step(rows=rows, step=1)
    line = places.read_line()
    left = 3 * rows[0].cost * 0.75 * 2_000
    assert [line.place(row.pk).eta_seconds for row in rows] == pytest.approx([left] * 3, rel=0.02)
    (waits,) = Generation.objects.in_line()
    assert line.place(waits.pk).starts_in == pytest.approx(left, rel=0.02)


def test_within_a_long_step_the_clock_tells_how_far_it_is(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    a_step = 60.0
    Worker.objects.create(name="w", state=Worker.State.DRAWING, seconds_per_cost=4 * a_step / row.cost)
    services.start(worker="w", most=1)

    def left(seconds: float) -> float:
        began = timezone.now() - dt.timedelta(seconds=seconds)
        Generation.objects.filter(pk=row.pk).update(started_at=began)
        return places.read_line().place(row.pk).eta_seconds

    assert left(0) == pytest.approx(4 * a_step, abs=2)
    assert left(30) == pytest.approx(3.5 * a_step, abs=2)
    assert left(100) == pytest.approx(3 * a_step, abs=2), "its second step is not done, however late"


@pytest.mark.parametrize(("measured", "a_step"), [(0.001, 59.5 / 3), (10_000.0, 30.0), (None, 30.0)])
def test_what_is_being_drawn_shows_how_long_those_behind_it_take(
    alice: User, ask: Ask, measured: float | None, a_step: float
) -> None:
    """Two of four steps in a minute: a third is not done after 59.5 s beside the half that it may be known late."""
    rows = ask(alice, 4)
    Worker.objects.create(name="w", state=Worker.State.DRAWING, seconds_per_cost=measured)
    (drawn,) = services.start(worker="w", most=1)
    services.record_step(rows=[drawn], step=2)
    Generation.objects.filter(pk=drawn.pk).update(started_at=timezone.now() - dt.timedelta(seconds=60))
    line, few = places.read_line(), places.read_places(rows)
    left = line.place(drawn.pk).eta_seconds
    assert a_step * 0.9 < left < 2.1 * a_step
    for number, row in enumerate(rows[1:]):
        for place in (line.place(row.pk), few.place(row.pk)):
            assert place.starts_in == pytest.approx(left + number * 4 * a_step, rel=0.02)
    assert line.measured == (Speed(measured) if measured else None)


def test_a_first_step_shows_nothing_yet(alice: User, ask: Ask) -> None:
    waits = ask(alice, 2)[1]
    Worker.objects.create(name="w", state=Worker.State.DRAWING)
    (drawn,) = services.start(worker="w", most=1)
    services.record_step(rows=[drawn], step=1)
    line = places.read_line()
    assert [line.place(row.pk).eta_seconds for row in (drawn, waits)] == [None, None]
    assert line.eta_seconds is None
