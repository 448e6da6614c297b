"""The create page in one hand: the settings are in a sheet, and nothing that matters stays hidden in it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import PHONE
from tests.browser.conftest import sign_in
from tests.browser.test_drafts import give_picture
from tests.site.shell import Shell

OPEN = re.compile("^$")  # the attribute is there, and empty
SMALL = """() => [...document.querySelectorAll('.composer :is(.btn, .icon, .chip, .seg label, summary)')]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
    .map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture
def hand(phone: BrowserContext, member: tuple[str, str], watch: Callable[[Page], Page]) -> Page:
    page = watch(phone.new_page())
    sign_in(page, member)
    expect(page.locator("[data-summary]")).to_have_text(re.compile("·"))  # its scripts are at work
    return page


@pytest.mark.console_ok("422")
def test_a_wrong_setting_opens_the_sheet_that_hides_it(hand: Page) -> None:
    sheet = hand.locator("#composer")
    hand.get_by_label("Describe your picture").fill("a red fox")
    for field, wrong, right, words in (
        ("#seed", "abc", "", "whole number"),
        ("[name=width]", "1001", "", "The width must be"),
    ):
        hand.locator("[data-open-sheet]").tap()
        if not hand.locator("#seed").is_visible():
            hand.locator(".fold > summary").tap()
        hand.locator(field).fill(wrong)
        hand.keyboard.press("Escape")
        expect(hand.locator(field)).to_be_hidden()
        hand.locator(".go").tap()
        expect(sheet).to_have_attribute("data-open", OPEN)
        expect(hand.locator(field)).to_be_focused()
        expect(hand.locator(field)).to_be_in_viewport()
        expect(hand.locator(".field__error", has_text=words)).to_be_visible()
        hand.locator(field).fill(right)
        hand.keyboard.press("Escape")


def test_the_strip_shows_the_picture_to_start_from(hand: Page, shell: Shell, member: tuple[str, str]) -> None:
    chip = hand.locator("[data-open-sheet]")
    expect(chip).not_to_have_accessible_name(re.compile("Starts from a picture"))
    hand.goto(f"/?start={give_picture(shell, member[0])}")
    expect(chip).to_have_accessible_name(re.compile("^Starts from a picture"))
    chip.tap()
    hand.get_by_role("button", name="Remove").tap()
    hand.keyboard.press("Escape")
    expect(chip).not_to_have_accessible_name(re.compile("Starts from a picture"))


def test_escape_closes_a_menu_before_the_sheet(hand: Page) -> None:
    sheet, menu = hand.locator("#composer"), hand.locator("[data-history]")
    hand.locator("[data-open-sheet]").tap()
    menu.locator("summary").tap()
    expect(menu.get_by_text("appear here")).to_be_visible()
    hand.keyboard.press("Escape")
    expect(menu.get_by_text("appear here")).to_be_hidden()
    expect(sheet).to_have_attribute("data-open", OPEN)
    hand.keyboard.press("Escape")
    expect(sheet).not_to_have_attribute("data-open", OPEN)


def test_what_is_touched_is_large_enough(hand: Page) -> None:
    assert hand.evaluate(SMALL) == []
    hand.locator("[data-open-sheet]").tap()
    assert hand.evaluate(SMALL) == []


def test_without_scripts_the_whole_form_is_there(browser: Browser, base_url: str, member: tuple[str, str]) -> None:
    context = browser.new_context(**PHONE, base_url=base_url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, member)
    for name in ("Style", "Shape", "How many"):
        expect(page.get_by_role("group", name=name)).to_be_visible()
    page.locator(".fold > summary").tap()
    page.locator("#seed").fill("7")
    expect(page.locator("[data-open-sheet]")).to_be_hidden()
    expect(page.get_by_role("button", name="Generate")).to_be_visible()
    context.close()
