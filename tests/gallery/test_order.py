"""The gallery from its oldest picture on: pages, days, dates, searches and the viewer keep to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from gallery import views
from gallery.models import Image
from tests.factories import make_image

OLDEST = {"sort": "oldest"}


@pytest.fixture
def signed_in(alice: User, as_user: Callable[[User], Client]) -> Client:
    return as_user(alice)


def made_on(alice: User, *days: int) -> list[Image]:
    """Pictures made at noon on these days of March 2026, and at the first moment of the day if that is negative."""
    made = []
    for day in days:
        image = make_image(alice, width=8, height=8, prompt="a fox")
        image.created_at = dt.datetime(2026, 3, abs(day), 12 * (day > 0), tzinfo=timezone.get_default_timezone())
        image.save(update_fields=["created_at"])
        made.append(image)
    return made


@pytest.mark.database
def test_pages_go_on_from_the_oldest_picture(alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    made = made_on(alice, 1, 2, 2, 3, 4)
    wanted = sorted(made, key=lambda image: (image.created_at, image.pk))
    make_image(alice, prompt="a wolf")
    told = signed_in.get("/gallery/", OLDEST | {"q": "fox"}).context
    seen, goes_on = [*told["images"]], [told["continues_day"]]
    while told["next_url"]:
        told = signed_in.get(told["next_url"]).context
        seen += told["images"]
        goes_on.append(told["continues_day"])
    assert seen == wanted
    assert goes_on == [False, True, False]


@pytest.mark.database
def test_a_date_begins_with_that_days_first_picture(alice: User, signed_in: Client, settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    made = made_on(alice, 9, -10, 10, 12)
    response = signed_in.get("/gallery/", OLDEST | {"day": "2026-03-10"})
    assert response.context["images"] == made[1:]
    assert response.context["continues_day"] is False
    assert "March 10, 2026 and after." in response.content.decode()
    assert signed_in.get("/gallery/", OLDEST | {"day": "0001-01-01"}).context["images"] == made
    assert (
        "No picture is as new as that." in signed_in.get("/gallery/", OLDEST | {"day": "2026-03-13"}).content.decode()
    )


def test_links_and_forms_keep_the_order(alice: User, signed_in: Client) -> None:
    image = make_image(alice, prompt="a fox")
    page = signed_in.get("/gallery/", OLDEST | {"q": "fox"}).content.decode()
    assert f'href="{image.get_absolute_url()}?q=fox&amp;sort=oldest"' in page
    assert page.count('<input type="hidden" name="sort" value="oldest">') == 2  # the search, and the date
    assert 'href="/gallery/?favourite=1&amp;sort=oldest"' in page
    assert "sort=" not in signed_in.get("/gallery/", {"sort": "sideways"}).context["search"]


def test_the_viewer_goes_the_same_way(alice: User, signed_in: Client) -> None:
    oldest, middle, newest = made_on(alice, 1, 2, 3)
    response = signed_in.get(middle.get_absolute_url(), OLDEST)
    told = response.context
    assert (told["previous"], told["next"]) == (oldest, newest)
    assert told["strip"] == [oldest, middle, newest]
    assert signed_in.get(oldest.get_absolute_url(), OLDEST).context["position"] == 1
    page = response.content.decode()
    assert page.index('aria-label="Older picture"') < page.index('aria-label="Newer picture"')


def test_the_api_lists_in_either_order(alice: User, signed_in: Client) -> None:
    made = [str(image.pk) for image in made_on(alice, 1, 2, 3)]
    page = signed_in.get("/api/v1/images", OLDEST | {"limit": 2}).json()
    following = signed_in.get("/api/v1/images", OLDEST | {"limit": 2, "cursor": page["next"]}).json()
    assert [each["id"] for each in page["items"] + following["items"]] == made
    refused = signed_in.get("/api/v1/images", {"sort": "sideways"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "sort"
