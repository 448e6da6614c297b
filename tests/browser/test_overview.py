"""The gallery as a whole: its order, how large the pictures are, and one of them to start from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_albums import pictures
from tests.browser.test_starting import unable

__all__ = ["pictures", "unable"]  # fixtures

Account = tuple[str, str]


def heights(page: Page) -> float:
    """Pixels of the first row."""
    box = page.locator(".cell").first.bounding_box()
    assert box
    return box["height"]


def test_the_order_goes_with_the_search_and_into_the_viewer(
    page: Page, pictures: Account, axe: Callable[[Page], None]
) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    shown = page.locator(".cell img")
    expect(shown.first).to_have_attribute("alt", "fox 0")
    order = page.locator(".sort > summary")
    order.press("Enter")
    axe(page)
    page.get_by_role("link", name="Oldest first").press("Enter")
    expect(page).to_have_url(re.compile(r"\?sort=oldest$"))
    expect(order).to_contain_text("Oldest first")
    expect(shown.first).to_have_attribute("alt", "fox 3")
    page.get_by_label("Search your prompts").fill("fox")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=oldest"))
    expect(shown.first).to_have_attribute("alt", "fox 3")
    page.locator(".cell > a").first.click()
    page.get_by_role("link", name="Newer picture").click()
    expect(page.get_by_role("img", name="fox 2").first).to_be_visible()
    page.wait_for_load_state()  # and its scripts hear the keys
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-stage] img")).to_have_attribute("alt", "fox 1")


def test_the_size_of_the_pictures_is_remembered_by_the_browser(
    page: Page, pictures: Account, axe: Callable[[Page], None]
) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    medium = heights(page)
    page.get_by_label("Size of the pictures").press("Enter")
    axe(page)
    with page.expect_response("**/gallery/density/") as saved:
        page.get_by_role("button", name="Small pictures").press("Enter")
    assert saved.value.status == 204
    small = heights(page)
    assert small < medium
    page.reload(wait_until="commit")
    expect(page.locator("main")).to_have_class(re.compile("rows-compact"))
    assert heights(page) == small
    page.get_by_label("Size of the pictures").click()
    expect(page.get_by_role("button", name="Small pictures")).to_have_attribute("aria-current", "true")


def test_both_work_without_scripts(browser: Browser, browser_context_args: dict[str, Any], pictures: Account) -> None:
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, pictures)
    page.goto("/gallery/?q=fox")
    page.locator(".sort > summary").click()
    page.get_by_role("link", name="Oldest first").click()
    expect(page.locator(".cell img").first).to_have_attribute("alt", "fox 3")
    medium = heights(page)
    page.get_by_label("Size of the pictures").click()
    page.get_by_role("button", name="Large pictures").click()
    expect(page).to_have_url(re.compile(r"\?q=fox&sort=oldest$"))
    assert heights(page) > medium
    context.close()


def test_a_phone_has_room_for_both(narrow: Page, pictures: Account, axe: Callable[[Page], None]) -> None:
    page = narrow
    sign_in(page, pictures)
    page.goto("/gallery/")
    for name in (".sort", ".density", ".jump"):
        page.locator(f"{name} > summary").click()
        box = page.locator(f"{name} > .menu__list").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    axe(page)


def test_one_chosen_picture_can_be_the_start(page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    start = page.get_by_role("link", name="Use as start")
    page.get_by_role("checkbox", name="Select: fox 0").check(force=True)
    expect(start).to_be_visible()
    page.get_by_role("checkbox", name="Select: fox 1").check(force=True)
    expect(start).to_be_hidden()
    page.get_by_role("checkbox", name="Select: fox 0").uncheck(force=True)
    expect(start).to_be_visible()
    start.click()
    expect(page.get_by_role("img", name="The picture to start from")).to_be_visible()


def test_a_model_that_cannot_start_from_one_is_not_offered_it(unable: None, page: Page, pictures: Account) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    with page.expect_response("**/api/v1/models") as told:
        page.get_by_role("checkbox", name="Select: fox 0").check(force=True)
    assert told.value.json()["models"][0]["can_start_from_image"] is False
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.get_by_role("link", name="Use as start")).to_be_hidden()
