"""The gallery's pages: what they show, in which order, in how many queries."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from gallery import views
from gallery.models import Image
from tests.factories import make_image

SignIn = Callable[[User], Client]
AS_SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def signed_in(alice: User, as_user: SignIn) -> Client:
    return as_user(alice)


def small(owner: User, number: int = 1, **facts: Any) -> list[Image]:
    """The newest first."""
    return [make_image(owner, width=8, height=8, age=dt.timedelta(minutes=n), **facts) for n in range(1, number + 1)]


# -- the gallery ------------------------------------------------------------------------------------------------------


def test_the_gallery_shows_ones_own_kept_pictures(alice: User, bob: User, signed_in: Client) -> None:
    mine, liked = make_image(alice), make_image(alice, favourite=True, age=dt.timedelta(minutes=1))
    make_image(alice, in_bin_for=dt.timedelta(hours=1))
    his = make_image(bob)
    response = signed_in.get("/gallery/")
    told = response.context
    assert told["images"] == [liked, mine]
    assert (told["total"], told["found"], told["favourites_total"], told["bin_total"]) == (2, 2, 1, 1)
    assert (told["q"], told["favourite"], told["next_url"], told["continues_day"]) == ("", False, "", False)
    assert str(his.pk) not in response.content.decode()
    assert mine.get_absolute_url() in response.content.decode()


def test_pictures_stand_under_the_day_on_which_they_were_made(
    alice: User, signed_in: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    noon = dt.datetime(2026, 3, 10, 12, tzinfo=timezone.get_default_timezone())
    monkeypatch.setattr(timezone, "now", lambda: noon)
    today, also_today = make_image(alice, age=dt.timedelta(hours=1)), make_image(alice, age=dt.timedelta(hours=11))
    yesterday = make_image(alice, age=dt.timedelta(hours=13))  # still the 9th in Shanghai, already so in UTC
    before = make_image(alice, age=dt.timedelta(days=9))
    days = signed_in.get("/gallery/").context["days"]
    assert days == [
        ("Today", [today, also_today], 2),
        ("Yesterday", [yesterday], 1),
        ("March 1, 2026", [before], 1),
    ]


@pytest.mark.database
@pytest.mark.parametrize(("oldest_first", "counts"), [(False, [[4], [1, 3], []]), (True, [[3], [1], [4], []])])
def test_a_day_counts_its_pictures_on_all_pages(
    alice: User,
    bob: User,
    signed_in: Client,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    oldest_first: bool,
    counts: list[list[int]],
) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    monkeypatch.setattr(views, "PAGE_SIZE", 3 - oldest_first)
    zone = timezone.get_default_timezone()
    last = dt.datetime(2026, 3, 11, 23, 59, tzinfo=zone)
    moments = [last, last.replace(hour=12), last.replace(hour=1), last.replace(hour=0, minute=0)]  # one day, two in UTC
    moments += [last - dt.timedelta(days=1)] + [dt.datetime(2026, 3, 9, hour, tzinfo=zone) for hour in (22, 12, 0)]
    for owner, prompt, facts in (
        (alice, "a fox", {}),
        (alice, "a wolf", {}),
        (alice, "a fox", {"in_bin_for": dt.timedelta(hours=1)}),
        (bob, "a fox", {}),
    ):
        for moment in moments:
            image = make_image(owner, width=8, height=8, prompt=prompt, **facts)
            Image.objects.filter(pk=image.pk).update(created_at=moment)
    seen = []
    url = "/gallery/?q=fox" + ("&sort=oldest" if oldest_first else "")
    while url:
        response = signed_in.get(url, headers=AS_SCRIPT)
        seen.append([int(number) for number in re.findall(r'data-day-count="(\d+)"', response.content.decode())])
        url = response.context["next_url"]
    assert seen == counts


def test_a_day_says_its_count_in_words_too(alice: User, signed_in: Client) -> None:
    noon = timezone.localtime().replace(hour=12)
    for ago in (0, 0, 1):
        image = make_image(alice, width=8, height=8)
        Image.objects.filter(pk=image.pk).update(created_at=noon - dt.timedelta(days=ago))
    page = signed_in.get("/gallery/").content.decode()
    assert '<span class="vh">2 pictures</span>' in page
    assert '<span class="vh">1 picture</span>' in page
    signed_in.cookies["django_language"] = "zh-hans"
    assert '<span class="vh">2 张图片</span>' in signed_in.get("/gallery/").content.decode()


def test_pages_follow_each_other_and_say_whether_the_day_goes_on(
    alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    noon = timezone.now().replace(hour=12)
    made = small(alice, 5, prompt="a fox")
    days_ago = [0, 0, 0, 1, 2]
    for image, ago in zip(made, days_ago, strict=True):
        Image.objects.filter(pk=image.pk).update(created_at=noon - dt.timedelta(days=ago, seconds=made.index(image)))
    small(alice, prompt="a wolf")
    told = signed_in.get("/gallery/", {"q": "fox"}).context
    seen, goes_on = [*told["images"]], [told["continues_day"]]
    while told["next_url"]:
        assert "q=fox" in told["next_url"]
        response = signed_in.get(told["next_url"], headers=AS_SCRIPT)
        assert "<html" not in response.content.decode()
        told = response.context
        seen += told["images"]
        goes_on.append(told["continues_day"])
    assert seen == made
    assert goes_on == [False, True, False]
    assert (told["found"], told["total"]) == (5, 6)


def test_a_date_leads_to_the_page_where_that_day_begins(
    alice: User, signed_in: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    zone = timezone.get_default_timezone()
    moments = [
        dt.datetime(2026, 3, 11, 0, 0, tzinfo=zone),
        dt.datetime(2026, 3, 10, 23, 59, tzinfo=zone),
        dt.datetime(2026, 3, 10, 0, 0, tzinfo=zone),
        dt.datetime(2026, 3, 8, 12, 0, tzinfo=zone),
    ]
    made = [make_image(alice, width=8, height=8, prompt="a fox") for _ in moments]
    for image, moment in zip(made, moments, strict=True):
        Image.objects.filter(pk=image.pk).update(created_at=moment)
    told = signed_in.get("/gallery/", {"day": "2026-03-10", "q": "fox"})
    assert told.context["images"] == made[1:3]
    assert [day.label for day in told.context["days"]] == ["March 10, 2026"]
    assert "day=" not in told.context["next_url"]
    assert f"{made[1].get_absolute_url()}?q=fox" in told.content.decode()
    assert signed_in.get(told.context["next_url"]).context["images"] == made[3:]
    assert signed_in.get("/gallery/", {"day": "2026-03-09"}).context["images"] == made[3:]  # none on that day
    assert "No picture is as old as that." in signed_in.get("/gallery/", {"day": "2026-03-07"}).content.decode()
    for nonsense in ("2026-02-30", "tomorrow", "9999-12-31", "\0", "0000-00-00"):
        assert signed_in.get("/gallery/", {"day": nonsense}).context["images"] == made[:2]
    assert signed_in.get("/gallery/", {"day": "0001-01-01"}).context["images"] == []


def test_a_search_finds_prompts_and_favourites(alice: User, signed_in: Client) -> None:
    fox, liked = make_image(alice, prompt="A red Fox"), make_image(alice, prompt="a wolf", favourite=True)
    assert signed_in.get("/gallery/", {"q": " fox  RED "}).context["images"] == [fox]
    told = signed_in.get("/gallery/", {"favourite": "1"}).context
    assert (told["images"], told["found"], told["total"], told["favourite"]) == ([liked], 1, 2, True)


@pytest.mark.database
@pytest.mark.parametrize(
    "query", [{"q": "red\0fox"}, {"q": "red fox" + " " * 500 + "x"}, {"cursor": "garbage"}, {"cursor": "\0"}]
)
def test_odd_addresses_do_no_harm(alice: User, signed_in: Client, query: dict[str, str]) -> None:
    image = make_image(alice, prompt="a red fox")
    response = signed_in.get("/gallery/", query)
    assert response.context["images"] == [image]
    assert len(response.context["q"]) <= 200


def test_the_gallery_takes_few_queries_however_many_pictures(
    alice: User,
    signed_in: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    small(alice, 8, prompt="a fox")
    monkeypatch.setattr(views, "PAGE_SIZE", 4)  # within a day, whose pictures are counted
    with django_assert_max_num_queries(9):
        assert len(signed_in.get("/gallery/", {"q": "fox"}, headers=AS_SCRIPT).context["images"]) == 4


def test_a_page_asked_for_as_a_whole_comes_whole(alice: User, signed_in: Client) -> None:
    for extra in ({"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}):
        assert "<html" in signed_in.get("/gallery/", headers=AS_SCRIPT | extra).content.decode()
    assert "HX-Request" in signed_in.get("/gallery/")["Vary"]


# -- one picture ------------------------------------------------------------------------------------------------------


def test_a_picture_stands_between_its_neighbours(alice: User, signed_in: Client) -> None:
    made = small(alice, 12)
    for at, before, after, strip in (
        (0, None, made[1], made[:9]),
        (1, made[0], made[2], made[:9]),
        (6, made[5], made[7], made[2:11]),
        (11, made[10], None, made[3:]),
    ):
        told = signed_in.get(f"/gallery/{made[at].pk}/").context
        assert (told["image"], told["previous"], told["next"]) == (made[at], before, after)
        assert told["strip"] == strip
        assert (told["position"], told["total"]) == (at + 1, 12)
        assert (told["missing"], told["in_bin"], told["expires_at"]) == (False, False, made[at].expires_at)


def test_neighbours_follow_the_search_one_came_from(alice: User, bob: User, signed_in: Client) -> None:
    first, other, last = (make_image(alice, prompt=prompt) for prompt in ("a fox", "a wolf", "foxes"))
    make_image(bob, prompt="a fox")
    told = signed_in.get(f"/gallery/{last.pk}/", {"q": "fox"}).context
    assert (told["previous"], told["next"], told["position"], told["total"]) == (None, first, 1, 2)
    assert told["strip"] == [last, first]
    told = signed_in.get(f"/gallery/{other.pk}/", {"favourite": "1"}).context  # unmarked a moment ago
    assert (told["previous"], told["next"], told["total"]) == (last, first, 3)


def test_a_picture_in_the_bin_stands_among_those_in_the_bin(alice: User, signed_in: Client) -> None:
    make_image(alice)
    binned = make_image(alice, in_bin_for=dt.timedelta(hours=2))
    later = make_image(alice, age=dt.timedelta(days=1), in_bin_for=dt.timedelta(hours=1))
    told = signed_in.get(f"/gallery/{binned.pk}/").context
    assert told["in_bin"]
    assert told["expires_at"] is None
    assert (told["previous"], told["next"], told["position"], told["total"]) == (later, None, 2, 2)


def test_a_missing_file_is_told(alice: User, signed_in: Client) -> None:
    image = make_image(alice)
    Path(image.file.path).unlink()
    assert signed_in.get(f"/gallery/{image.pk}/").context["missing"] is True


def test_a_picture_tells_all_that_it_was_drawn_from(alice: User, bob: User, signed_in: Client) -> None:
    def facts(**record: Any) -> str:
        image = make_image(alice, record=record)
        page = signed_in.get(f"/gallery/{image.pk}/").content.decode()
        words = re.sub(r"<[^>]+>", " ", page[page.index('<dl class="facts">') : page.index("</dl>")])
        return " ".join(words.split())

    start = make_image(alice)
    plain = facts(negative_prompt="", variation=0.0)
    assert not [name for name in ("Guidance", "Negative", "Variation", "Started", "Strength") if name in plain]
    told = facts(negative_prompt="<b>blurry", variation=0.3, init_image=f"image:{start.pk}", mask="m", strength=0.55)
    started = "Started from One of your pictures · with a mask Strength 55%"
    for fact in ("Negative prompt &lt;b&gt;blurry", "Variation 0.3", started):
        assert fact in told
    assert "An uploaded picture Strength" in facts(init_image=str(start.pk), strength=0.5)

    guided = make_image(alice, guidance=2.5, record={"init_image": f"image:{start.pk}", "strength": 1})
    page = signed_in.get(f"/gallery/{guided.pk}/").content.decode()
    assert f'href="{start.get_absolute_url()}"' in page[page.index("Started from") :]
    assert "<dt>Guidance</dt><dd>2.5</dd>" in page
    theirs = make_image(alice, record={"init_image": f"image:{make_image(bob).pk}", "strength": 1})
    assert signed_in.get(f"/gallery/{theirs.pk}/").context["start"] is None


def test_a_picture_takes_few_queries(
    alice: User, signed_in: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    made = small(alice, 12)
    assert signed_in.get("/gallery/").status_code == 200
    with django_assert_max_num_queries(14):
        signed_in.get(f"/gallery/{made[6].pk}/", {"q": "lighthouse"})


# -- the bin ----------------------------------------------------------------------------------------------------------


def test_the_bin_shows_what_was_deleted_last_first(
    alice: User, bob: User, signed_in: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    make_image(alice)
    make_image(bob, in_bin_for=dt.timedelta(hours=1))
    binned = [make_image(alice, in_bin_for=dt.timedelta(hours=hours)) for hours in (1, 2, 3)]
    told = signed_in.get("/gallery/bin/").context
    assert (told["images"], told["total"], told["bin_days"]) == (binned[:2], 3, settings.BIN_DAYS)
    told = signed_in.get(told["next_url"], headers=AS_SCRIPT).context
    assert (told["images"], told["next_url"]) == (binned[2:], "")
