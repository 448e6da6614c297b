"""People change the order of their own waiting batches; everybody else is served as before."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from generation import services
from generation.exceptions import InvalidTransition
from generation.models import Generation, QueueShare, Quota, State
from generation.places import Line, Pace
from generation.promises import Promises
from generation.speed import Speed

pytestmark = [pytest.mark.django_db, pytest.mark.database]

Ask = Callable[..., list[Generation]]
API = "/api/v1/"


def in_line() -> list[int]:
    return list(Generation.objects.in_line().values_list("pk", flat=True))


def numbers(rows: list[Generation]) -> list[int]:
    return [row.pk for row in rows]


def move(row: Generation, before: Generation | None) -> list[UUID]:
    return services.move_batch(batch=row.batch, before=before and before.batch_id)


def test_a_batch_goes_before_another_or_to_the_end(alice: User, ask: Ask) -> None:
    a, b, c = ask(alice, 2), ask(alice, 1), ask(alice, 2)
    assert move(c[0], a[0]) == [c[0].batch_id, a[0].batch_id, b[0].batch_id]
    assert in_line() == numbers(c + a + b)
    move(c[0], None)
    assert in_line() == numbers(a + b + c)
    before = list(Generation.objects.in_line().values_list("start_tag", flat=True))
    move(b[0], b[0])
    assert list(Generation.objects.in_line().values_list("start_tag", flat=True)) == before


def test_pictures_of_equal_cost_leave_everybody_else_where_they_are(
    alice: User, bob: User, charlie: User, ask: Ask
) -> None:
    theirs = ask(bob, 2)
    first = ask(alice, 2)
    theirs += ask(charlie, 3)
    last = ask(alice, 2)
    theirs += ask(bob, 2)
    others = set(numbers(theirs))
    places = {pk: place for place, pk in enumerate(in_line()) if pk in others}
    tags = set(Generation.objects.filter(pk__in=others).values_list("pk", "start_tag", "finish_tag"))
    for one, before in ((last, first), (first, last), (last, first), (last, None)):
        move(one[0], before[0] if before else None)
        now = {pk: place for place, pk in enumerate(in_line()) if pk in others}
        assert all(now[pk] <= places[pk] for pk in others), "nobody else is drawn later"
        assert set(Generation.objects.filter(pk__in=others).values_list("pk", "start_tag", "finish_tag")) == tags
    end = QueueShare.objects.get(user=alice).finish_tag
    assert end == max(row.finish_tag for row in Generation.objects.filter(user=alice))


@pytest.mark.parametrize("seed", range(6))
def test_others_are_served_as_if_it_had_been_asked_in_that_order(
    alice: User, bob: User, charlie: User, ask: Ask, seed: int
) -> None:
    """Costs of all sizes: the rows as moved, against the same rows asked for in the new order from the beginning."""
    dice = random.Random(seed)
    Quota.objects.create(user=alice, queued_at_once=1_000)
    steps = [dice.choice((1, 4, 9, 30)) for _ in range(6)]
    order = dice.sample(range(6), 6)

    def drawn(alices: list[int]) -> list[tuple[str, int]]:
        """Who is drawn with how many steps, where Alice asks in this order and Bob and Charlie in between."""
        for place, number in enumerate(alices):
            ask(alice, 2, steps=steps[number], seed=number)
            ask((bob, charlie)[place % 2], 2, steps=5)
        if alices != order:
            batches = {number: Generation.objects.get(pk=batches_of(number)) for number in range(6)}
            for number in order:
                move(batches[number], None)
        found = list(Generation.objects.in_line().values_list("user__username", "steps"))
        Generation.objects.all().delete()
        QueueShare.objects.all().delete()
        return found

    def batches_of(number: int) -> int:
        rows = Generation.objects.filter(user=alice).order_by("pk")
        return int(rows[2 * number].pk)

    moved, asked = drawn(list(range(6))), drawn(order)
    assert [entry for entry in moved if entry[0] == "alice"] == [entry for entry in asked if entry[0] == "alice"]

    def ahead(found: list[tuple[str, int]], name: str) -> list[int]:
        """What Alice has been drawn before each picture of this person."""
        sums, total = [], 0
        for who, cost in found:
            total += cost if who == "alice" else 0
            if who == name:
                sums.append(total)
        return sums

    for name in ("bob", "charlie"):
        assert all(a <= b for a, b in zip(ahead(moved, name), ahead(asked, name), strict=True)), (moved, asked)


def test_gaps_and_cancels_keep_the_tags_exact(alice: User, bob: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, weight=3)
    a, b, c = ask(alice, 3), ask(alice, 2, steps=7), ask(alice, 2, steps=9)
    running = services.start(worker="w", most=1)
    services.cancel(generation=b[0])
    move(c[0], a[1])
    move(a[1], b[1])
    rows = list(Generation.objects.in_line().filter(user=alice))
    assert numbers(rows) == numbers([*c, *a[1:], b[1]])
    assert all(one.finish_tag <= following.start_tag for one, following in pairwise(rows))
    services.hand_back(rows=running)
    assert in_line()[0] == a[0].pk, "what a worker gives back is next again"
    move(c[0], a[0])
    move(a[0], c[0])
    rows = list(Generation.objects.in_line().filter(user=alice))
    assert all(one.finish_tag <= following.start_tag for one, following in pairwise(rows))
    services.cancel_all(user=alice)
    assert QueueShare.objects.get(user=alice).finish_tag <= a[0].start_tag + 10


def test_moving_up_and_down_for_ever_gains_nothing(alice: User, bob: User, ask: Ask) -> None:
    a, b = ask(alice, 2), ask(alice, 2, steps=9)
    hers = ask(bob, 4, steps=9)
    end = QueueShare.objects.get(user=alice).finish_tag
    for _ in range(25):
        move(b[0], a[0])
        move(a[0], b[0])
    assert end <= QueueShare.objects.get(user=alice).finish_tag <= end + 50
    assert sorted(in_line()) == sorted(numbers(a + b + hers))


def test_what_no_longer_waits_is_not_moved(alice: User, ask: Ask) -> None:
    (a,), (b,) = ask(alice), ask(alice)
    services.start(worker="w", most=1)
    with pytest.raises(InvalidTransition):
        move(a, b)
    with pytest.raises(InvalidTransition):
        move(b, a)
    assert Generation.objects.get(pk=a.pk).state == State.RUNNING


def test_the_person_who_moved_it_is_not_told_of_a_delay() -> None:
    def line(*order: int) -> Line:
        return Line(waiting=[(pk, 1, 1.0, 0) for pk in order], pace=Pace({"w": Speed(10.0)}))

    promises = Promises()
    one, other = line(1, 2), line(2, 1)
    promises.renew(one, [place for pk in (1, 2) if (place := one.place(pk))], 0)
    told = promises.renew(other, [place for pk in (1, 2) if (place := other.place(pk))], 1)
    assert (told[1].position, told[1].delay) == (2, None)
    assert (told[2].position, told[2].delay) == (1, None)


# -- over HTTP --------------------------------------------------------------------------------------------------------


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(API + path, body, content_type="application/json")


def test_only_ones_own_batches_can_be_moved_and_only_among_ones_own(
    as_alice: Client, alice: User, bob: User, ask: Ask
) -> None:
    (a,), (b,), (his,) = ask(alice), ask(alice), ask(bob)
    assert post(as_alice, f"batches/{b.batch_id}/move", before=str(a.batch_id)).json() == {
        "batches": [str(b.batch_id), str(a.batch_id)]
    }
    before = in_line()
    assert post(as_alice, f"batches/{his.batch_id}/move").status_code == 404
    assert post(as_alice, f"batches/{a.batch_id}/move", before=str(his.batch_id)).status_code == 404
    assert post(as_alice, f"batches/{a.batch_id}/move", before=str(uuid4())).status_code == 404
    services.cancel(generation=b)
    refused = post(as_alice, f"batches/{b.batch_id}/move")
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")
    assert in_line() == [pk for pk in before if pk != b.pk]


def test_staff_cancel_what_they_may_and_it_is_logged(alice: User, bob: User, charlie: User, ask: Ask) -> None:
    (hers,) = ask(alice)
    client = Client()
    client.force_login(bob)
    assert post(client, f"queue/{hers.pk}/cancel").status_code == 404
    bob.is_staff = True
    bob.save()
    assert post(client, f"queue/{hers.pk}/cancel").status_code == 404, "staff without the permission"
    assert not client.get(API + "queue").json()["entries"][0]["can_cancel"]
    bob.user_permissions.add(Permission.objects.get(codename="change_generation"))
    assert client.get(API + "queue").json()["entries"][0]["can_cancel"]
    assert post(client, f"queue/{hers.pk}/cancel").json() == {"cancelled": 1}
    assert Generation.objects.get(pk=hers.pk).state == State.CANCELLED
    assert LogEntry.objects.get().user == bob
    assert post(client, f"queue/{hers.pk}/cancel").status_code == 404, "it is over"
