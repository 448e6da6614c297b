"""Choosing pictures: ranges, single ones, all of them, by a long press; and what the bar then does with many."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import PHONE
from tests.browser.conftest import sign_in
from tests.browser.test_albums import pictures

__all__ = ["pictures"]  # a fixture

Account = tuple[str, str]


def test_keys_and_clicks_choose(page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    cells, chosen = page.locator(".cell"), page.locator(".cell.is-on")
    cells.nth(0).click(modifiers=["ControlOrMeta"])
    expect(chosen).to_have_count(1)
    cells.nth(2).click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected")).to_be_visible()
    cells.nth(1).click(modifiers=["ControlOrMeta"])
    expect(chosen).to_have_count(2)
    expect(cells.nth(1)).not_to_have_class(re.compile("is-on"))
    page.keyboard.press("Escape")
    expect(chosen).to_have_count(0)
    page.keyboard.press("ControlOrMeta+a")
    expect(page.get_by_text("4 selected")).to_be_visible()
    expect(page).to_have_url(re.compile("/gallery/$"))  # no click has opened a picture


def test_many_are_marked_in_one_request(page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "favourite" in request.url else None)
    page.keyboard.press("ControlOrMeta+a")
    favourite = page.get_by_role("toolbar").get_by_role("button", name="Favourite")
    with page.expect_response("**/api/v1/images/favourite"):
        favourite.click()
    expect(page.locator('[data-count="favourites"]')).to_have_text("4")
    assert len(sent) == 1
    page.reload()
    expect(page.locator(".cell.has-fav")).to_have_count(4)


@pytest.mark.console_ok("ERR_FAILED")
def test_undo_stays_beside_other_notes_and_a_refused_zip_keeps_what_is_chosen(page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    page.locator(".cell").nth(0).click(modifiers=["ControlOrMeta"])
    page.keyboard.press("Delete")
    expect(page.locator(".cell")).to_have_count(3)
    page.route("**/api/v1/archives", lambda route: route.abort())
    page.locator(".cell").nth(1).click(modifiers=["ControlOrMeta"])
    page.get_by_role("toolbar").get_by_role("button", name="Download as ZIP").click()
    expect(page.locator(".toast")).to_have_count(2)
    expect(page.locator(".toast").last).to_contain_text("The server cannot be reached.")
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".cell")).to_have_count(4)


def test_a_long_press_begins_to_choose_and_the_whole_bin_is_restored(
    narrow: Page, pictures: Account, axe: Callable[[Page], None]
) -> None:
    page = narrow
    sign_in(page, pictures)
    page.goto("/gallery/")
    expect(page.locator("[data-selected]")).to_have_text("0 selected")  # its scripts are at work
    box = page.locator(".cell").first.bounding_box()
    assert box
    touch = page.context.new_cdp_session(page)
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    expect(page.get_by_text("1 selected")).to_be_visible()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".cell.is-on")).to_have_count(1)

    page.locator(".cell > a").nth(1).tap()
    with page.expect_response("**/api/v1/images/delete"):
        page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    page.goto("/gallery/bin/")
    more = page.locator(".bar summary").and_(page.get_by_label("More"))
    more.click()
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("button", name="Select all that are shown").click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    more.click()
    page.get_by_role("button", name="Restore all").click()
    expect(page.locator(".toast", has_text="2 pictures are back in the gallery.")).to_be_visible()
    expect(page.get_by_text("The bin is empty")).to_be_visible()


@pytest.mark.parametrize("window", [{}, PHONE], ids=["desk", "phone"])
def test_choosing_works_without_scripts(
    browser: Browser, browser_context_args: dict[str, Any], pictures: Account, window: dict[str, Any]
) -> None:
    context = browser.new_context(**browser_context_args | window, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, pictures)
    page.goto("/gallery/")
    page.locator(".cell label.check").first.click()
    page.get_by_role("toolbar").get_by_role("button", name="Favourite").click()
    expect(page.get_by_text("1 picture is a favourite now.")).to_be_visible()
    page.locator(".cell label.check").first.click()
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    page.goto("/gallery/bin/")
    page.get_by_role("button", name="Restore all").click()
    expect(page.get_by_text("1 picture is back in the gallery.")).to_be_visible()
    context.close()
