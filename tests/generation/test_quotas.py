"""Every limit, on the person, the group and the site; and a ledger that adds up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError
from django.db.models import Sum
from django.utils import timezone

from gallery import retention
from gallery import services as gallery
from gallery.models import Image
from generation import quotas, services
from generation.exceptions import InvalidParameters, QuotaExceeded
from generation.models import Failure, Generation, LedgerEntry, Quota, Reason
from tests.factories import make_image

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

Ask = Callable[..., list[Generation]]


def assert_the_ledger_adds_up() -> None:
    for row in Generation.objects.annotate(sum=Sum("ledger__pictures")):
        assert row.sum == int(row.charged), row


def test_own_quota_wins_over_the_most_generous_group_over_the_site(alice: User) -> None:
    assert quotas.limits_for(alice).pictures_per_day == 200
    for name, limit in (("a", 5), ("b", 9), ("c", None)):
        group = Group.objects.create(name=name)
        Quota.objects.create(group=group, pictures_per_day=limit, max_steps=limit)
        alice.groups.add(group)
    assert quotas.limits_for(alice).pictures_per_day == 9
    Quota.objects.create(user=alice, pictures_per_day=2)
    limits = quotas.limits_for(alice)
    assert (limits.pictures_per_day, limits.max_steps, limits.queued_at_once) == (2, 9, 40)
    assert (limits.pictures_per_month, limits.weight) == (None, 1.0)


def test_a_month_is_counted_by_the_calendar_of_the_site(alice: User, ask: Ask, settings: object) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"  # type: ignore[attr-defined]
    timezone.get_default_timezone.cache_clear()
    try:
        zone = ZoneInfo("Asia/Shanghai")
        Quota.objects.create(user=alice, pictures_per_month=3)
        last_evening = dt.datetime(2026, 1, 31, 23, 59, tzinfo=zone)
        with mock.patch("django.utils.timezone.now", return_value=last_evening):
            ask(alice, 3)
            Generation.objects.update(created_at=last_evening)
            with pytest.raises(QuotaExceeded) as refused:
                ask(alice)
            assert refused.value.quota == "pictures_per_month"
            assert refused.value.resets_at == dt.datetime(2026, 2, 1, tzinfo=zone)
        with mock.patch("django.utils.timezone.now", return_value=last_evening + dt.timedelta(minutes=2)):
            assert quotas.usage(alice).month.used == 0
            ask(alice)
    finally:
        settings.TIME_ZONE = "UTC"  # type: ignore[attr-defined]
        timezone.get_default_timezone.cache_clear()


def test_a_full_gallery_takes_no_more_until_something_is_deleted(alice: User, ask: Ask) -> None:
    image = make_image(alice)
    type(image).objects.update(bytes=1_000_000)
    Quota.objects.create(user=alice, stored_megabytes=1)
    with pytest.raises(QuotaExceeded) as refused:
        ask(alice)
    assert (refused.value.quota, refused.value.used) == ("stored_bytes", 1_000_000)
    gallery.move_to_bin(user=alice, ids=[image.pk])
    ask(alice)


@pytest.mark.parametrize(
    ("quota", "wanted", "field", "limit"),
    [
        ({"max_megapixels": 0.02}, {"width": 256, "height": 256}, "width", 0.02),
        ({"max_steps": 4}, {"steps": 5}, "steps", 4),
    ],
)
def test_one_picture_is_held_to_the_persons_own_limits(
    alice: User, ask: Ask, quota: dict[str, float], wanted: dict[str, int], field: str, limit: float
) -> None:
    Quota.objects.create(user=alice, **quota)
    with pytest.raises(InvalidParameters) as refused:
        ask(alice, **wanted)
    (error,) = refused.value.errors
    assert (error.field, error.limit) == (field, limit)
    ask(alice)


def test_no_more_are_drawn_at_once_than_the_person_may(alice: User, bob: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, running_at_once=2)
    hers, his = ask(alice, 4), ask(bob, 2, steps=50)  # Bob's are dearer, so fairness alone would draw hers first
    drawn = [services.start(worker=f"w{number}", most=4) for number in range(4)]
    assert [[row.user_id for row in rows] for rows in drawn] == [[alice.pk] * 2, [bob.pk] * 2, [], []]
    assert services.start(worker="w", most=1) == [], "what is left is hers, and two of hers are being drawn"
    services.fail(row=drawn[0][0], failure=Failure.ENGINE)
    assert [row.user_id for row in services.start(worker="w", most=1)] == [alice.pk]
    assert len(hers) == 4 and len(his) == 2


def test_the_ledger_tells_every_charge_and_refund_with_its_reason(alice: User, ask: Ask) -> None:
    failed, cancelled, stopped, lost, waiting = ask(alice, 5)
    (row,) = services.start(worker="w", most=1)
    services.fail(row=row, failure=Failure.ENGINE)
    services.cancel(generation=cancelled)
    (row,) = services.start(worker="w", most=1)
    services.cancel(generation=stopped)
    services.settle_cancelled(row=row)
    for _ in range(3):
        services.start(worker="w", most=1)
        services.release_worker(worker="w")
    services.retry(user=alice, generation=failed)
    services.retry(user=alice, generation=failed)
    entries = [(entry.generation_id, entry.pictures, entry.reason) for entry in LedgerEntry.objects.order_by("id")]
    assert entries == [
        *((row.pk, 1, Reason.ASKED) for row in (failed, cancelled, stopped, lost, waiting)),
        (failed.pk, -1, Reason.FAILED),
        (cancelled.pk, -1, Reason.CANCELLED),
        (lost.pk, -1, Reason.FAILED),
        (Generation.objects.get(retry_of=failed).pk, 1, Reason.RETRIED),
    ]
    assert_the_ledger_adds_up()
    assert quotas.usage(alice).day.used == 3


def test_nothing_is_charged_or_given_back_twice(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    services.cancel(generation=row)
    with pytest.raises(IntegrityError):
        quotas.refund([row], Reason.FAILED)
    with pytest.raises(TypeError):
        LedgerEntry.objects.get(pictures=-1).save()


def test_deleting_a_picture_gives_nothing_back(alice: User, ask: Ask) -> None:
    ask(alice)
    (row,) = services.start(worker="w", most=1)
    image = make_image(alice)
    services.finish(row=row, store=lambda: image)
    image.delete()
    assert quotas.usage(alice).day.used == 1
    assert_the_ledger_adds_up()


def test_pictures_of_single_people_are_kept_for_their_own_days(alice: User, bob: User, charlie: User) -> None:
    """Alice by her own quota, Bob by the more generous of his groups, Charlie by the site's seven days."""
    Quota.objects.create(user=alice, retention_days=2)
    for name, days in (("short", 1), ("for ever", 0)):
        group = Group.objects.create(name=name)
        Quota.objects.create(group=group, retention_days=days)
        bob.groups.add(group)
    ages = {
        user: [make_image(user, age=dt.timedelta(days=days)) for days in (1, 3, 8)] for user in (alice, bob, charlie)
    }
    assert [image.expires_at is None for image in ages[bob]] == [True] * 3
    assert ages[alice][0].expires_at == ages[alice][0].created_at + dt.timedelta(days=2)

    plan = retention.plan(retention.default_policy(), timezone.now())
    assert {image.id for image in plan.to_bin} == {*(image.pk for image in ages[alice][1:]), ages[charlie][2].pk}
    assert retention.carry_out(plan).moved == 3
    assert Image.objects.kept().filter(owner=bob).count() == 3
