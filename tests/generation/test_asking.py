"""Submitting, cancelling and retrying: what counts, what is given back, what a race ends in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest import mock
from zoneinfo import ZoneInfo

import django_rq
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from generation import quotas, services
from generation.exceptions import IdempotencyConflict, InvalidParameters, InvalidTransition, QuotaExceeded
from generation.models import Batch, Failure, Generation, Quota, State
from generation.parameters import Parameters

from .conftest import MODEL

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

Ask = Callable[..., list[Generation]]


def states(rows: list[Generation]) -> list[str]:
    return [Generation.objects.get(pk=row.pk).state for row in rows]


# -- submit -----------------------------------------------------------------------------------------------------------


def test_a_batch_gets_consecutive_seeds_and_a_ring_for_each_picture(alice: User, ask: Ask) -> None:
    rows = ask(alice, 3, seed=41)
    assert [row.seed for row in rows] == [41, 42, 43]
    assert len({row.batch_id for row in rows}) == 1
    assert django_rq.get_queue("generation").count == 3


def test_submitting_survives_redis_being_away(alice: User, ask: Ask) -> None:
    from redis.exceptions import ConnectionError as RedisConnectionError

    with mock.patch("generation.doorbell.ring", side_effect=RedisConnectionError("away")):
        rows = ask(alice, 2)
    assert states(rows) == ["queued", "queued"]
    assert services.reconcile().rung == 2


def test_fifty_at_once_against_a_quota_of_ten(alice: User) -> None:
    Quota.objects.create(user=alice, pictures_per_day=10, queued_at_once=100)
    parameters = Parameters.checked(MODEL, prompt="x", width=64, height=64, steps=1)

    def submit(_: int) -> bool:
        try:
            services.submit(user=alice, parameters=parameters)
        except QuotaExceeded:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        accepted = sum(pool.map(submit, range(50)))
    assert accepted == Generation.objects.filter(user=alice).count() == 10


def test_a_batch_is_accepted_whole_or_not_at_all(alice: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, pictures_per_day=3)
    with pytest.raises(QuotaExceeded) as refused:
        ask(alice, 4)
    assert (refused.value.quota, refused.value.limit, refused.value.used) == ("pictures_per_day", 3, 0)
    assert refused.value.resets_at is not None and refused.value.resets_at > timezone.now()
    assert not Generation.objects.exists()
    assert not Batch.objects.exists()


def test_a_repeated_key_returns_the_first_batch(alice: User, bob: User, ask: Ask) -> None:
    first = ask(alice, 2, seed=7, idempotency_key="k")
    again = ask(alice, 2, seed=7, idempotency_key="k")
    assert [row.pk for row in first] == [row.pk for row in again]
    with pytest.raises(IdempotencyConflict):
        ask(alice, 3, seed=7, idempotency_key="k")
    assert ask(bob, 2, seed=7, idempotency_key="k")[0].pk not in [row.pk for row in first]


def test_one_key_sent_ten_times_at_once_makes_one_batch(alice: User) -> None:
    parameters = Parameters.checked(MODEL, prompt="x", width=64, height=64, steps=1, seed=1)

    def submit(_: int) -> int:
        try:
            return services.submit(user=alice, parameters=parameters, idempotency_key="k").generations[0].pk
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(submit, range(10)))) == 1
    assert Generation.objects.count() == 1


# -- quotas -----------------------------------------------------------------------------------------------------------


def test_a_quota_of_nothing_means_nothing(alice: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, pictures_per_day=0)
    with pytest.raises(QuotaExceeded):
        ask(alice)


def test_queued_pictures_are_limited_apart_from_the_day(alice: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, queued_at_once=2)
    ask(alice, 2)
    with pytest.raises(QuotaExceeded) as refused:
        ask(alice)
    assert (refused.value.quota, refused.value.resets_at) == ("queued_at_once", None)
    services.start(worker="w", most=1)
    ask(alice)


def test_the_day_turns_over_at_midnight_of_the_site(alice: User, ask: Ask, settings: object) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"  # type: ignore[attr-defined]
    timezone.get_default_timezone.cache_clear()
    try:
        zone = ZoneInfo("Asia/Shanghai")
        evening = dt.datetime(2026, 3, 1, 23, 59, tzinfo=zone)
        with mock.patch("django.utils.timezone.now", return_value=evening):
            ask(alice, 2)
            Generation.objects.update(created_at=evening)
            assert quotas.usage(alice).day.used == 2
            assert quotas.usage(alice).day.resets_at == dt.datetime(2026, 3, 2, tzinfo=zone)
        with mock.patch("django.utils.timezone.now", return_value=evening + dt.timedelta(minutes=2)):
            assert quotas.usage(alice).day.used == 0
    finally:
        settings.TIME_ZONE = "UTC"  # type: ignore[attr-defined]
        timezone.get_default_timezone.cache_clear()


# -- cancel -----------------------------------------------------------------------------------------------------------


def test_a_waiting_picture_is_cancelled_at_once_and_given_back(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    assert quotas.usage(alice).day.used == 1
    assert services.cancel(generation=row).state == State.CANCELLED
    assert quotas.usage(alice).day.used == 0


def test_cancelling_twice_changes_nothing_the_second_time(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    first = services.cancel(generation=row)
    second = services.cancel(generation=row)
    assert (first.seq, first.finished_at) == (second.seq, second.finished_at)


def test_a_running_picture_is_asked_to_stop_and_stays_charged(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    (running,) = services.start(worker="w", most=1)
    now = services.cancel(generation=row)
    assert (now.state, now.cancel_requested) == (State.RUNNING, True)
    assert list(services.record_step(rows=[running], step=1)) == [row.pk]
    services.settle_cancelled(row=running)
    assert states([row]) == ["cancelled"]
    assert quotas.usage(alice).day.used == 1


def test_cancelling_a_batch_and_everything(alice: User, bob: User, ask: Ask) -> None:
    first, second, his = ask(alice, 3), ask(alice, 2), ask(bob)
    services.start(worker="w", most=1)
    assert services.cancel_batch(batch=first[0].batch) == 3
    assert states(first) == ["running", "cancelled", "cancelled"]
    assert services.cancel_all(user=alice) == 2
    assert states(second) == ["cancelled"] * 2
    assert states(his) == ["queued"]


# -- retry ------------------------------------------------------------------------------------------------------------


def test_a_failed_picture_is_retried_once_with_the_same_seed(alice: User, ask: Ask) -> None:
    (row,) = ask(alice, seed=5)
    (running,) = services.start(worker="w", most=1)
    services.fail(row=running, failure=Failure.ENGINE)
    assert quotas.usage(alice).day.used == 0
    (again,) = services.retry(user=alice, generation=row).generations
    assert (again.seed, again.batch_id, again.retry_of_id, again.state) == (5, row.batch_id, row.pk, "queued")
    assert services.retry(user=alice, generation=row).generations[0].pk == again.pk
    assert quotas.usage(alice).day.used == 1


def test_what_has_become_too_large_for_a_person_is_not_retried(alice: User, ask: Ask) -> None:
    (row,) = ask(alice, steps=4)
    services.cancel(generation=row)
    Quota.objects.create(user=alice, max_steps=3)
    with pytest.raises(InvalidParameters) as refused:
        services.retry(user=alice, generation=row)
    assert [(error.field, error.limit) for error in refused.value.errors] == [("steps", 3)]


def test_what_still_runs_or_succeeded_cannot_be_retried(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    with pytest.raises(InvalidTransition):
        services.retry(user=alice, generation=row)


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "limit"),
    [
        ({"prompt": ""}, "prompt", 1),
        ({"prompt": "  \n "}, "prompt", 1),
        ({"prompt": "x" * 2_001}, "prompt", 2_000),
        ({"prompt": "a\x00b"}, "prompt", None),
        ({"prompt": "a\ud800"}, "prompt", None),
        ({"width": 100}, "width", 16),
        ({"height": 16}, "height", 64),
        ({"width": 4_096}, "width", 2_048),
        ({"steps": 0}, "steps", 1),
        ({"steps": 1_000}, "steps", 50),
        ({"seed": -1}, "seed", 0),
        ({"seed": 2**70}, "seed", 2**53 - 1),
        ({"seed": 2**53 - 1, "count": 2}, "seed", 2**53 - 1),
        ({"count": 0}, "count", 1),
        ({"count": 50}, "count", 10),
        ({"guidance": float("nan")}, "guidance", 0),
        ({"guidance": float("inf")}, "guidance", 20),
        ({"steps": 10**400}, "steps", 50),
        ({"seed": -(10**400)}, "seed", 0),
        ({"style": "cubist"}, "style", "photo"),
    ],
)
def test_each_bad_field_is_named_with_its_limit(changes: dict[str, object], field: str, limit: object) -> None:
    with pytest.raises(InvalidParameters) as refused:
        Parameters.checked(MODEL, **({"prompt": "x", "width": 64, "height": 64} | changes))  # type: ignore[arg-type]
    (error,) = refused.value.errors
    assert error.field == field
    assert str(error.limit).startswith(str(limit))
    assert error.message


def test_all_bad_fields_are_named_at_once() -> None:
    with pytest.raises(InvalidParameters) as refused:
        Parameters.checked(MODEL, prompt="", width=1, height=1, steps=0, count=0)
    assert {error.field for error in refused.value.errors} == {"prompt", "width", "height", "steps", "count"}


@pytest.mark.parametrize("prompt", ["שלום עולם", "🦊 in ❄️", "一只狐狸\n在雪里", "\u202eabc", "x" * 2_000])
def test_any_script_is_a_prompt(prompt: str, alice: User, ask: Ask) -> None:
    assert Generation.objects.get(pk=ask(alice, prompt=prompt)[0].pk).prompt == prompt
