"""The order in which pictures are drawn, and the place in line that people are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from django.contrib.auth.models import User

from generation import services
from generation.models import Generation, QueueClock, QueueShare, Quota, State

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

Ask = Callable[..., list[Generation]]


def drawn_order(most: int = 1) -> list[Generation]:
    order: list[Generation] = []
    while rows := services.start(worker="w", most=most):
        order += rows
    return order


def test_people_take_turns_whoever_asked_first(alice: User, bob: User, charlie: User, ask: Ask) -> None:
    a = ask(alice, 2)
    b = ask(bob)
    c = ask(charlie, 2)
    a += ask(alice)
    assert [row.pk for row in drawn_order()] == [row.pk for row in (a[0], b[0], c[0], a[1], c[1], a[2])]


def test_a_flood_delays_the_next_person_by_one_batch(alice: User, bob: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, queued_at_once=1_000, pictures_per_day=1_000)
    for _ in range(30):
        ask(alice, 10)
    services.start(worker="w", most=1)
    (hers,) = ask(bob)
    assert [row.pk for row in services.start(worker="w", most=1)] == [hers.pk]


def test_idle_people_save_up_no_credit(alice: User, bob: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, queued_at_once=100)
    ask(alice, 10)
    drawn_order()
    ask(alice, 4)
    late = ask(bob, 4)
    owners = [row.user_id for row in drawn_order()]
    assert owners == [bob.pk, alice.pk] * 4
    assert late[0].start_tag > 0


def test_a_weight_of_two_is_drawn_twice_as_much(alice: User, bob: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, weight=2, queued_at_once=100)
    Quota.objects.create(user=bob, queued_at_once=100)
    for _ in range(6):
        ask(alice, 10)
        ask(bob, 10)
    first = Counter(row.user_id for row in drawn_order()[:60])
    assert abs(first[alice.pk] - 40) <= 1


def test_costly_pictures_wait_in_proportion(alice: User, bob: User, ask: Ask) -> None:
    ask(alice, 3, width=256, height=256)  # four times the cost of Bob's
    ask(bob, 8)
    owners = [row.user_id for row in drawn_order()]
    assert owners[:6] == [alice.pk, bob.pk, bob.pk, bob.pk, bob.pk, alice.pk]


def test_pictures_alike_are_drawn_together_and_others_are_not(alice: User, bob: User, ask: Ask) -> None:
    ask(alice, 2)
    ask(bob, 1, steps=5)
    ask(alice, 1)
    sizes = []
    while rows := services.start(worker="w", most=4):
        sizes.append([row.steps for row in rows])
    assert sizes == [[4, 4, 4], [5]]


def test_what_is_alike_but_far_behind_waits_for_its_turn(alice: User, bob: User, ask: Ask) -> None:
    Quota.objects.create(user=bob, queued_at_once=100)
    ask(alice, 1)
    for steps in range(5, 13):
        ask(bob, 1, steps=steps)
    ask(bob, 1)
    assert [len(services.start(worker="w", most=2)) for _ in range(2)] == [1, 1]


def test_large_pictures_are_drawn_in_smaller_batches(alice: User, ask: Ask) -> None:
    ask(alice, 4)
    assert len(services.start(worker="w", most=4, most_pixels=2 * 128 * 128)) == 2
    assert len(services.start(worker="w", most=4, most_pixels=1)) == 1


def test_what_has_stopped_a_worker_before_is_drawn_alone(alice: User, ask: Ask) -> None:
    ask(alice, 3)
    services.start(worker="dead", most=1)
    services.release_worker(worker="dead")
    assert [len(services.start(worker="w", most=4)) for _ in range(2)] == [1, 2]


def test_virtual_time_survives_the_deletion_of_all_history(alice: User, bob: User, ask: Ask) -> None:
    ask(alice, 3)
    drawn_order()
    before = QueueClock.objects.get().virtual_time
    Generation.objects.all().delete()
    (row,) = ask(bob)
    assert before > 0
    assert row.start_tag == before


def test_cancelling_gives_the_place_back(alice: User, bob: User, ask: Ask) -> None:
    hers = ask(alice, 4)
    his = ask(bob, 2)
    for row in hers[:2]:
        services.cancel(generation=row)
    assert [row.pk for row in drawn_order()] == [hers[2].pk, his[0].pk, hers[3].pk, his[1].pk]


def test_scattered_cancels_give_back_exactly_what_they_took(alice: User, bob: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, weight=3, queued_at_once=100)  # thirds do not come out even
    hers = ask(alice, 10) + ask(alice, 10, steps=7)
    end = QueueShare.objects.get(user=alice).finish_tag
    gone = [hers[number] for number in (0, 1, 4, 9, 10, 17)]
    for row in gone:
        services.cancel(generation=row)
    kept = [row.pk for row in hers if row not in gone]
    waiting = list(Generation.objects.in_line())
    assert [row.pk for row in waiting] == kept
    assert waiting[0].start_tag == hers[0].start_tag
    assert all(one.finish_tag == next_one.start_tag for one, next_one in pairwise(waiting))
    given_back = sum(row.finish_tag - row.start_tag for row in gone)
    assert QueueShare.objects.get(user=alice).finish_tag == waiting[-1].finish_tag == end - given_back


def test_a_batch_in_the_middle_gives_its_places_back_at_once(alice: User, ask: Ask) -> None:
    first, middle, last = ask(alice, 3), ask(alice, 5, steps=9), ask(alice, 2)
    services.cancel_batch(batch=middle[0].batch)
    moved = Generation.objects.in_line().get(pk=last[0].pk)
    assert moved.start_tag == first[-1].finish_tag


def test_two_claims_never_get_the_same_row(alice: User, ask: Ask) -> None:
    """Eight threads race for forty rows on the real database."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    Quota.objects.create(user=alice, queued_at_once=100)
    for _ in range(4):
        ask(alice, 10)

    def worker(number: int) -> list[int]:
        taken: list[int] = []
        try:
            while rows := services.start(worker=f"w{number}", most=3):
                taken += [row.pk for row in rows]
        finally:
            connection.close()
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [pk for rows in pool.map(worker, range(8)) for pk in rows]
    assert len(taken) == len(set(taken)) == 40
    assert Generation.objects.filter(state=State.RUNNING, attempt=1).count() == 40
