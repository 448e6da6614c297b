"""Hours and days are the reader's, whatever else the cookie says; what a quota counts is the site's."""

from __future__ import annotations

import asyncio
import datetime as dt
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, Client
from django.utils import timezone

from zimageweb.time_zones import COOKIE, time_zone_middleware

NONSENSE = ["", "Nowhere/Land", "America", "../../../etc/passwd", "zone.tab", "utc\n", "ÿ", "x" * 5_000, "\0"]


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(("zone", "hour"), [("Asia/Shanghai", "08:00"), ("Asia/Calcutta", "05:30"), ("UTC", "00:00")])
def test_the_quota_begins_anew_by_the_readers_clock(as_alice: Client, zone: str, hour: str) -> None:
    as_alice.cookies[COOKIE] = zone
    assert f"Counted anew from {hour} on." in as_alice.get("/accounts/").content.decode()
    assert timezone.get_current_timezone_name() == "UTC", "the zone of one request must not stay for the next"


@pytest.mark.django_db
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_no_zone(as_alice: Client, nonsense: str) -> None:
    as_alice.cookies[COOKIE] = nonsense
    answer = as_alice.get("/accounts/")
    assert answer.status_code == 200
    assert "Counted anew from 00:00 on." in answer.content.decode()


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_nobody_gets_another_day_by_another_clock(as_alice: Client, zone: str) -> None:
    as_alice.cookies[COOKIE] = zone
    with mock.patch("django.utils.timezone.now", return_value=dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)):
        told = as_alice.get("/accounts/").context
    assert told["usage"].day.resets_at == dt.datetime(2026, 3, 11, tzinfo=dt.UTC)
    assert told["days"][-1].date == dt.date(2026, 3, 10)


@pytest.mark.database
@pytest.mark.django_db
def test_the_administration_keeps_the_sites_time(client: Client, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(date_joined=dt.datetime(2026, 3, 10, 20, tzinfo=dt.UTC))
    client.force_login(charlie)
    client.cookies[COOKIE] = "Asia/Shanghai"
    page = client.get("/admin/auth/user/?date_joined__month=3&date_joined__year=2026").content.decode()
    assert "March 10" in page
    assert "March 11" not in page


async def test_two_readers_at_once_keep_their_own() -> None:
    both = asyncio.Event()
    waiting: list[str] = []

    async def page(request: HttpRequest) -> HttpResponse:
        waiting.append(request.path)
        if len(waiting) == 2:
            both.set()
        await both.wait()
        return HttpResponse(timezone.get_current_timezone_name())

    def request(zone: str) -> HttpRequest:
        made = AsyncRequestFactory().get("/")
        made.COOKIES[COOKIE] = zone
        return made

    zones = ["Asia/Shanghai", "America/New_York"]
    middleware = time_zone_middleware(page)
    answers = await asyncio.gather(*(middleware(request(zone)) for zone in zones))
    assert [answer.content.decode() for answer in answers] == zones
