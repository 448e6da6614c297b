"""Rows that nobody holds any more come back, exactly once; a worker that lost its rows can do no harm."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import django_rq
import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from gallery.models import Image
from generation import quotas, services
from generation.models import Failure, Generation, Quota, State

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

Ask = Callable[..., list[Generation]]


def refuse_to_store() -> Image:
    raise AssertionError("nothing may be stored")


def fresh(row: Generation) -> Generation:
    return Generation.objects.get(pk=row.pk)


def test_a_dead_workers_rows_return_to_their_old_place(alice: User, bob: User, ask: Ask) -> None:
    (row,) = ask(alice)
    ask(bob)
    services.start(worker="dead", most=1)
    assert services.release_worker(worker="dead") == 1
    assert services.release_worker(worker="dead") == 0
    (again,) = services.start(worker="w", most=1)
    assert (again.pk, again.attempt) == (row.pk, 2)


def test_a_lease_that_ran_out_is_recovered_and_a_live_one_is_not(alice: User, ask: Ask) -> None:
    old, new = ask(alice, 2)
    services.start(worker="w1", most=1)
    services.start(worker="w2", most=1)
    Generation.objects.filter(pk=old.pk).update(lease_expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert services.reconcile().recovered == 1
    assert (fresh(old).state, fresh(new).state) == (State.QUEUED, State.RUNNING)


def test_the_third_lost_attempt_fails_and_is_given_back(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    for _ in range(3):
        services.start(worker="w", most=1)
        services.release_worker(worker="w")
    row = fresh(row)
    assert (row.state, row.failure, row.charged) == (State.FAILED, Failure.INTERRUPTED, False)
    assert quotas.usage(alice).day.used == 0
    assert not services.start(worker="w", most=1)


def test_a_cancelled_row_of_a_dead_worker_is_over(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    services.start(worker="w", most=1)
    services.cancel(generation=row)
    services.release_worker(worker="w")
    assert fresh(row).state == State.CANCELLED


def test_a_worker_that_lost_its_row_changes_nothing(alice: User, ask: Ask) -> None:
    ask(alice)
    (stale,) = services.start(worker="w", most=1)
    services.release_worker(worker="w")
    (current,) = services.start(worker="w", most=1)  # the same name, another attempt
    assert list(services.record_step(rows=[stale], step=2)) == [stale.pk]
    assert not services.finish(row=stale, store=refuse_to_store)
    assert not services.fail(row=stale, failure=Failure.ENGINE)
    services.hand_back(rows=[stale])
    assert fresh(current).state == State.RUNNING
    assert fresh(current).step == 0


def test_a_cancel_that_came_before_the_finish_wins(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    (running,) = services.start(worker="w", most=1)
    services.cancel(generation=row)
    assert not services.finish(row=running, store=refuse_to_store)
    assert fresh(row).state == State.CANCELLED


def test_handing_back_is_no_attempt(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    for _ in range(5):
        services.hand_back(rows=services.start(worker="w", most=1))
    assert (fresh(row).state, fresh(row).attempt) == (State.QUEUED, 0)


def test_lost_rings_are_rung_again(alice: User, ask: Ask) -> None:
    ask(alice, 3)
    queue = django_rq.get_queue("generation")
    queue.empty()
    assert services.reconcile().rung == 3
    assert services.reconcile().rung == 0
    assert queue.count == 3


def test_nobody_is_rung_for_what_may_not_be_drawn_yet(alice: User, bob: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, running_at_once=1)
    ask(alice, 3)
    ask(bob, 2)
    services.start(worker="w", most=1)
    django_rq.get_queue("generation").empty()
    assert services.reconcile().rung == 2


def test_the_database_itself_refuses_a_running_row_without_a_lease(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    with pytest.raises(IntegrityError):
        Generation.objects.filter(pk=row.pk).update(state=State.RUNNING)


def test_every_change_raises_seq(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    seen = [fresh(row).seq]
    (running,) = services.start(worker="w", most=1)
    seen.append(fresh(row).seq)
    services.record_step(rows=[running], step=1)
    seen.append(fresh(row).seq)
    services.cancel(generation=row)
    seen.append(fresh(row).seq)
    services.settle_cancelled(row=running)
    seen.append(fresh(row).seq)
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("give_up", [services.hand_back, services.put_back])
def test_a_cancel_is_kept_when_the_worker_gives_the_row_up(alice: User, ask: Ask, give_up: Callable[..., None]) -> None:
    (row,) = ask(alice)
    rows = services.start(worker="w", most=1)
    services.cancel(generation=row)
    give_up(rows=rows)
    assert fresh(row).state == State.CANCELLED
