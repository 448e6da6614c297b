"""What the whole site does: counted from real rows, in a bounded number of queries, each by an index."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from generation import figures, quotas
from generation.models import Failure, Generation, State, Worker
from tests.factories import make_image

pytestmark = [pytest.mark.django_db, pytest.mark.database]

Ask = Callable[..., list[Generation]]
QUERIES = 5


def look(**parts: bool) -> figures.Figures:
    return figures.figures(**{"generations": True, "images": True, "workers": True} | parts)


def drawn() -> figures.Drawn:
    found = look(images=False, workers=False).drawn
    assert found is not None
    return found


def end(
    rows: list[Generation],
    state: State = State.SUCCEEDED,
    *,
    at: dt.datetime | None = None,
    waited: float = 6.0,
) -> None:
    """As if these had waited so many seconds, been drawn for two, and ended so at that moment."""
    at = at or timezone.now()
    began = at - dt.timedelta(seconds=2)
    changes: dict[str, Any] = {"failure": Failure.ENGINE} if state == State.FAILED else {}
    Generation.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=state,
        created_at=began - dt.timedelta(seconds=waited),
        started_at=began,
        finished_at=at,
        worker="w",
        **changes,
    )


def test_an_empty_site_divides_by_nothing() -> None:
    found = drawn()
    assert (found.today, found.total, found.failed_percent) == (0, 0, None)
    assert len(found.days) == figures.DAYS
    assert found.queue == figures.Queue(pictures=0, people=0)
    assert (found.waits.median, found.waits.p95) == (None, None)
    assert look().storage is not None
    assert look().storage.used == 0  # type: ignore[union-attr]
    assert look().painters == []


def test_pictures_count_on_the_day_on_which_they_were_finished(alice: User, bob: User, ask: Ask) -> None:
    today = timezone.now().astimezone(timezone.get_default_timezone()).date()
    first = today - dt.timedelta(days=figures.DAYS - 1)
    end(ask(alice, 3) + ask(bob, 2))
    end(ask(alice, 1), at=quotas.midnight(today))
    end(ask(alice, 4), at=quotas.midnight(today) - dt.timedelta(microseconds=1))
    end(ask(bob, 2), at=quotas.midnight(first))
    end(ask(bob, 1), at=quotas.midnight(first) - dt.timedelta(microseconds=1))  # too long ago
    ask(alice, 5)  # still wait
    end(ask(bob, 2), State.CANCELLED)
    found = drawn()
    assert (found.today, found.total) == (6, 12)
    assert [date for date, number in found.days.items() if number] == [first, today - dt.timedelta(days=1), today]
    assert found.days[today - dt.timedelta(days=1)] == 4
    assert list(found.days) == sorted(found.days)


def test_the_line_has_those_who_wait_and_how_many_people_they_are(alice: User, bob: User, ask: Ask) -> None:
    ask(alice, 3)
    ask(bob, 1)
    end(ask(bob, 2))
    assert drawn().queue == figures.Queue(pictures=4, people=2)


def test_the_share_that_failed_leaves_out_what_was_cancelled(alice: User, ask: Ask) -> None:
    end(ask(alice, 3))
    end(ask(alice, 1), State.FAILED)
    end(ask(alice, 4), State.CANCELLED)
    end(ask(alice, 2), State.FAILED, at=timezone.now() - dt.timedelta(days=2))
    assert (drawn().failed_today, drawn().failed_percent) == (1, 25.0)


def test_waits_are_from_asking_to_drawing(alice: User, ask: Ask) -> None:
    for waited in (1, 2, 3, 40):
        end(ask(alice), waited=waited)
    end(ask(alice), waited=900, at=timezone.now() - dt.timedelta(days=2))
    waits = drawn().waits
    assert (waits.number, waits.median, waits.p95) == (4, pytest.approx(2.5), pytest.approx(40))
    assert not waits.are_latest


def test_of_many_waits_the_latest_are_looked_at(alice: User, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "LATEST", 2)
    now = timezone.now()
    for number, waited in enumerate((500, 10, 20)):
        end(ask(alice), waited=waited, at=max(now - dt.timedelta(seconds=3 - number), quotas.midnight(now.date())))
    waits = drawn().waits
    assert (waits.number, waits.median, waits.are_latest) == (2, pytest.approx(15), True)


def test_storage_is_all_pictures_and_the_disk_that_they_lie_on(alice: User, bob: User) -> None:
    images = [make_image(alice), make_image(bob), make_image(bob, in_bin_for=dt.timedelta(hours=1))]
    storage = look().storage
    assert storage is not None
    assert storage.used == sum(image.bytes for image in images) > 0
    assert storage.room is not None
    assert 0 < storage.room.free < storage.room.total


def test_pictures_in_an_object_store_lie_on_no_disk(settings: Settings) -> None:
    pathless = {"BACKEND": "django.core.files.storage.Storage"}  # Django's own, of which every storage is made
    settings.STORAGES = settings.STORAGES | {"default": pathless}
    storage = look().storage
    assert storage is not None
    assert storage.room is None


def test_workers_are_as_fast_as_they_were_measured() -> None:
    card = {"device": "NVIDIA H100", "native_pixels": 1_000_000, "size_step": 100, "default_steps": 8, "min_side": 100}
    Worker.objects.create(name="a", state=Worker.State.DRAWING, card=card, seconds_per_cost=0.4)
    Worker.objects.create(name="b", seen_at=timezone.now() - dt.timedelta(hours=2), state=Worker.State.IDLE)
    Worker.objects.create(name="c", seen_at=timezone.now() - dt.timedelta(hours=2), state=Worker.State.STOPPED)
    Worker.objects.create(name="d", seen_at=timezone.now() - dt.timedelta(hours=2), state=Worker.State.WAITING)
    painters = look().painters
    assert painters is not None
    assert [painter.is_silent for painter in painters] == [False, True, False, False]
    assert [painter.seconds for painter in painters] == [pytest.approx(3.2), None, None, None]
    assert [painter.device for painter in painters] == ["NVIDIA H100", "", "", ""]


def test_what_was_not_asked_for_is_not_looked_into(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert look(generations=False, images=False, workers=False) == figures.Figures(None, None, None)


def test_five_queries_read_indexes_only(
    alice: User, ask: Ask, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    end(ask(alice, 2))
    make_image(alice)
    with django_assert_num_queries(QUERIES) as asked:
        look()
    if connection.vendor != "sqlite":
        return  # PostgreSQL reads a table of three rows without its indexes, whatever there is
    for query in asked.captured_queries:
        if "generation_worker" in query["sql"]:
            continue
        with CaptureQueriesContext(connection), connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            steps = [row[-1] for row in cursor.fetchall()]
        reads = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
        assert reads
        assert all("INDEX" in step for step in reads), steps
