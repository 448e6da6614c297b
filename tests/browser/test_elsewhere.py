"""What is done in the viewer, in another tab or while nobody is connected comes into the gallery that is open."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_albums import pictures
from tests.site.running import until
from tests.site.shell import Shell

__all__ = ["pictures"]  # a fixture

Account = tuple[str, str]
MANY = """
import datetime as dt
from django.contrib.auth.models import User
from tests.factories import make_image
owner = User.objects.get(username={name!r})
for number in range(130):
    make_image(owner, width=8, height=8, prompt=f"fox {{number}}", age=dt.timedelta(hours=number))
"""


@pytest.fixture
def many(shell: Shell, member: Account) -> Account:
    """A person with three pages of pictures, the newest called *fox 0*."""
    shell(MANY.format(name=member[0]))
    return member


def totals(page: Page) -> list[str]:
    """As the chips say them: all, favourites, in the bin."""
    return [page.locator(f'.shelf [data-count="{name}"]').inner_text() for name in ("total", "favourites", "bin")]


def until_totals(page: Page, *expected: str) -> None:
    until(lambda: totals(page) == [*expected], what=f"{expected} beside the chips, not {totals(page)}")


def csrf(page: Page) -> dict[str, str]:
    found = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    return {"X-CSRFToken": found}


def test_a_second_tab_follows(page: Page, pictures: Account, watch: Callable[[Page], Page]) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    tab = watch(page.context.new_page())
    tab.goto("/gallery/")
    expect(tab.locator("[data-selected]")).to_have_text("0 selected")
    page.locator(".cell").first.hover()
    page.locator(".cell__fav").first.click()
    expect(tab.locator(".cell.has-fav img")).to_have_attribute("alt", "fox 0")
    until_totals(tab, "4", "1", "0")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    expect(tab.locator(".cell")).to_have_count(0)
    until_totals(tab, "0", "0", "4")
    page.get_by_role("button", name="Undo").click()
    expect(tab.locator(".cell")).to_have_count(4)
    assert tab.locator(".cell img").evaluate_all("(all) => all.map((each) => each.alt)") == [
        f"fox {number}" for number in range(4)
    ]
    for each in (page, tab):
        until_totals(each, "4", "1", "0")


@pytest.mark.console_ok("ERR_INTERNET_DISCONNECTED", "WebSocket")
def test_what_happened_during_a_cut_is_caught_up_and_a_failed_undo_says_so(page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    with page.expect_response("**/images/whereabouts"):  # the live connection is there
        page.goto("/gallery/")
    first = page.locator(".cell").first.get_attribute("data-id")
    page.locator(".cell [name=ids]").nth(3).check(force=True)
    page.keyboard.press("Delete")
    expect(page.locator(".toast", has_text="1 picture is in the bin.")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="The server cannot be reached.")).to_be_visible()
    undo = page.get_by_role("button", name="Undo")
    undo.hover()  # the note stays
    expect(page.get_by_text("The connection is interrupted.")).to_be_visible()
    page.request.post("/api/v1/images/delete", data={"ids": [first]}, headers=csrf(page))
    page.context.set_offline(False)
    expect(page.get_by_text("The connection is interrupted.")).to_be_hidden()
    expect(page.locator(".cell img").first).to_have_attribute("alt", "fox 1")
    until_totals(page, "2", "0", "2")
    undo.click()
    until_totals(page, "3", "0", "1")


def test_back_keeps_the_place_and_shows_what_the_viewer_did(page: Page, many: Account) -> None:
    sign_in(page, many)
    page.goto("/gallery/")
    cells = page.locator(".cell")
    for pages in (2, 3):
        page.keyboard.press("End")
        expect(cells).to_have_count(min(60 * pages, 130))
    page.locator(".cell", has=page.get_by_alt_text("fox 100", exact=True)).locator("a").click()
    page.wait_for_url(re.compile(r"/gallery/[0-9a-f-]{36}/"))
    heart = page.get_by_role("button", name="Favourite", exact=True)
    with page.expect_response(re.compile("/api/v1/images/")):
        heart.click()
    page.go_back()
    left = page.locator(".cell", has=page.get_by_alt_text("fox 100", exact=True))
    expect(left).to_be_in_viewport()
    expect(left).to_have_class(re.compile("has-fav"))
    until_totals(page, "130", "1", "0")


def test_all_are_deleted_only_as_many_as_are_named(page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    expect(page.locator("[data-selected]")).to_have_text("0 selected")
    page.locator(".cell [name=ids]").first.check(force=True)
    page.keyboard.press("Delete")
    expect(page.locator(".toast", has_text="1 picture is in the bin.")).to_be_visible()
    expect(page.locator(".cell")).to_have_count(3)
    page.locator(".bar summary").and_(page.get_by_label("More")).click()
    page.get_by_role("button", name="Delete all…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Delete all 3 pictures?")
    typed, go = dialog.get_by_label("Type 3 to confirm"), dialog.get_by_role("button", name="Delete all 3")
    typed.fill("4")
    expect(go).to_be_disabled()
    typed.fill("3")

    # One comes back while the question is on the screen: what was agreed to holds no longer.
    binned = page.request.get("/api/v1/images?bin=true").json()["items"][0]["id"]
    page.request.post("/api/v1/images/restore", data={"ids": [binned]}, headers=csrf(page))
    expect(dialog.get_by_role("heading")).to_have_text("Delete all 4 pictures?")
    expect(dialog.get_by_role("button", name="Delete all 4")).to_be_disabled()
    dialog.get_by_label("Type 4 to confirm").fill("4")
    dialog.get_by_role("button", name="Delete all 4").click()
    expect(page.locator(".toast", has_text="4 pictures are in the bin.")).to_be_visible()
    expect(page.locator(".cell")).to_have_count(0)
    until_totals(page, "0", "0", "4")


@pytest.mark.console_ok("409")
def test_a_picture_that_the_page_has_not_heard_of_is_not_deleted(page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    page.route("**/images/delete", lambda route: route.continue_(post_data={"all": True, "expected": 3}))
    page.locator(".bar summary").and_(page.get_by_label("More")).click()
    page.get_by_role("button", name="Delete all…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("4")
    dialog.get_by_role("button", name="Delete all 4").click()
    expect(page.locator(".toast", has_text="There are 4 pictures now, not 3. Nothing was deleted.")).to_be_visible()
    expect(page.locator(".cell")).to_have_count(4)


@pytest.mark.console_ok("401", "WebSocket")
def test_scrolling_on_while_signed_out_says_so(page: Page, many: Account) -> None:
    sign_in(page, many)
    page.goto("/gallery/")
    cells = page.locator(".cell")
    expect(cells).to_have_count(60)
    page.context.clear_cookies()
    with page.expect_response(re.compile("cursor=")) as further:
        page.keyboard.press("End")
    assert further.value.status == 401
    expect(page.get_by_text("You are signed out.")).to_be_in_viewport()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", name=re.compile("Sign in"))).to_be_visible()
    assert page.url.endswith("?next=/gallery/")


def test_a_new_picture_is_announced_and_counted(page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    with page.expect_response("**/images/whereabouts"):  # the live connection is there
        page.goto("/gallery/")
    asked = {"prompt": "a paper boat", "count": 1}
    answer = page.request.post("/api/v1/generations", data=asked, headers=csrf(page))
    assert answer.status == 201, answer.text()
    fresh = page.locator("#fresh")
    expect(fresh).to_contain_text("1 new picture.", timeout=60_000)
    until_totals(page, "5", "0", "0")
    fresh.get_by_role("link", name="Show").click()
    expect(page.locator(".cell img").first).to_have_attribute("alt", "a paper boat")
