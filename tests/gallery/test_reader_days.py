"""The gallery's days are those of the person who looks, on either database: headings, numbers, dates to jump to."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from gallery import views
from gallery.models import Image
from tests.factories import make_image


@pytest.fixture
def signed_in(alice: User, as_user: Callable[[User], Client]) -> Client:
    return as_user(alice)


def made_at(owner: User, *moments: str) -> list[Image]:
    """Pictures of these moments of UTC."""
    made = []
    for moment in moments:
        image = make_image(owner, width=8, height=8, prompt="a fox")
        image.created_at = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)
        image.save(update_fields=["created_at"])
        made.append(image)
    return made


def days(client: Client, address: str = "/gallery/") -> list[tuple[str, int, int]]:
    """The label of each day of a page, its pictures there and the number beside it."""
    return [(day.label, len(day.images), day.total) for day in client.get(address).context["days"]]


@pytest.mark.database
def test_a_day_ends_at_the_readers_midnight(alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_at(alice, "2026-03-10 16:00", "2026-03-10 15:59", "2026-03-10 12:00", "2026-03-09 16:00")
    assert days(signed_in) == [("March 10, 2026", 3, 3), ("March 9, 2026", 1, 1)]
    signed_in.cookies["timezone"] = "Asia/Shanghai"
    assert days(signed_in) == [("March 11, 2026", 1, 1), ("March 10, 2026", 3, 3)]
    assert signed_in.get("/gallery/", {"day": "2026-03-10"}).context["images"] == made[1:]
    page = signed_in.get(made[0].get_absolute_url()).content.decode()
    assert "March 11, 2026, 00:00" in page

    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    assert days(signed_in) == [("March 11, 2026", 1, 1), ("March 10, 2026", 1, 3)]
    oldest = "/gallery/?sort=oldest"
    assert days(signed_in, oldest) == [("March 10, 2026", 2, 3)]
    assert signed_in.get(oldest, {"sort": "oldest", "day": "2026-03-11"}).context["images"] == made[:1]


@pytest.mark.parametrize(("zone", "label"), [("Pacific/Kiritimati", "Today"), ("Pacific/Pago_Pago", "Yesterday")])
def test_today_is_the_readers(
    alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch, zone: str, label: str
) -> None:
    made_at(alice, "2026-03-10 10:30")
    monkeypatch.setattr(timezone, "now", lambda: dt.datetime(2026, 3, 10, 11, 30, tzinfo=dt.UTC))
    signed_in.cookies["timezone"] = zone
    page = signed_in.get("/gallery/")
    assert [day.label for day in page.context["days"]] == [label]
    today = {"Pacific/Kiritimati": "2026-03-11", "Pacific/Pago_Pago": "2026-03-10"}[zone]
    assert f'max="{today}"' in page.content.decode()


@pytest.mark.database
def test_a_day_may_begin_at_one(alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Santiago clocks went from the midnight before 6 September 2026 to one."""
    monkeypatch.setattr(views, "PAGE_SIZE", 1)
    first, last = made_at(alice, "2026-09-06 04:00", "2026-09-06 03:59:59")
    signed_in.cookies["timezone"] = "America/Santiago"
    assert days(signed_in) == [("Sept. 6, 2026", 1, 1)]
    assert signed_in.get("/gallery/", {"day": "2026-09-06"}).context["images"] == [first]
    assert signed_in.get("/gallery/", {"day": "2026-09-05"}).context["images"] == [last]


@pytest.mark.parametrize(
    ("zone", "moment", "sort"),
    [
        ("America/New_York", "0001-01-01T00:00:00+00:00", "oldest"),
        ("Asia/Shanghai", "9999-12-31T23:59:59+00:00", "newest"),
    ],
)
def test_a_place_without_a_day_there_is_none(alice: User, signed_in: Client, zone: str, moment: str, sort: str) -> None:
    made = made_at(alice, "2026-03-10 12:00")
    cursor = base64.urlsafe_b64encode(f"{moment} {made[0].pk.hex}".encode()).decode().rstrip("=")
    signed_in.cookies["timezone"] = zone
    assert signed_in.get("/gallery/", {"cursor": cursor, "sort": sort}).context["images"] == made
