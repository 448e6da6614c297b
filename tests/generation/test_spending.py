"""The history behind today's quota: each day of the site's calendar, read from the ledger in one query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from generation import quotas, services, spending
from generation.models import Generation, LedgerEntry

pytestmark = [pytest.mark.django_db, pytest.mark.database]

Ask = Callable[..., list[Generation]]


@pytest.fixture
def in_shanghai(settings: object) -> Iterator[None]:
    settings.TIME_ZONE = "Asia/Shanghai"  # type: ignore[attr-defined]
    timezone.get_default_timezone.cache_clear()
    yield
    timezone.get_default_timezone.cache_clear()


def move(rows: list[Generation], moment: dt.datetime) -> None:
    """As if they had been asked for, and charged, at this moment."""
    Generation.objects.filter(pk__in=[row.pk for row in rows]).update(created_at=moment)
    LedgerEntry.objects.filter(generation__in=rows, pictures=1).update(created_at=moment)


def test_every_day_is_there_in_one_query(
    alice: User, bob: User, ask: Ask, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ask(alice, 3)
    ask(bob, 4)
    move(ask(alice, 2), timezone.now() - dt.timedelta(days=spending.DAYS - 1))
    move(ask(alice, 1), timezone.now() - dt.timedelta(days=spending.DAYS))
    with django_assert_num_queries(1):
        days = spending.history(alice)
    assert len(days) == spending.DAYS
    assert [(day.charged, day.given_back) for day in (days[0], days[-1])] == [(2, 0), (3, 0)]
    assert sum(day.charged for day in days) == 5


def test_what_was_given_back_belongs_to_the_day_on_which_it_was_asked_for(alice: User, ask: Ask) -> None:
    rows = ask(alice, 3)
    move(rows, timezone.now() - dt.timedelta(days=1))
    services.cancel(generation=rows[0])
    yesterday, today = spending.history(alice)[-2:]
    assert (yesterday.asked, yesterday.given_back, yesterday.charged) == (3, 1, 2)
    assert (today.asked, today.given_back) == (0, 0)


def test_days_are_those_of_the_site(alice: User, ask: Ask, in_shanghai: None) -> None:
    zone = timezone.get_default_timezone()
    noon = dt.datetime(2026, 3, 10, 12, tzinfo=zone)
    with mock.patch("django.utils.timezone.now", return_value=noon):
        move(ask(alice, 1), dt.datetime(2026, 3, 9, 23, 59, tzinfo=zone))
        move(ask(alice, 2), dt.datetime(2026, 3, 10, 0, 1, tzinfo=zone))  # still the 9th in UTC
        *_, yesterday, today = spending.history(alice)
        assert today.charged == quotas.usage(alice).day.used == 2
    assert (yesterday.date, yesterday.charged) == (dt.date(2026, 3, 9), 1)
