"""Notes are read aloud, each of them, and what a note offers does not fail in silence."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_drafts import give_picture
from tests.browser.test_keyboard import RECORD
from tests.browser.test_pictures_as_settings import drop, picture
from tests.site.shell import Shell

_HEARD = """([words, times]) => window.said.filter((text) => text.includes(words)).length === times"""


@pytest.mark.console_ok("422")
def test_the_same_words_are_read_aloud_every_time(signed_in: Page) -> None:
    page = signed_in
    expect(page.locator("[data-summary]")).to_have_text(re.compile("·"))  # its scripts are at work
    page.evaluate(RECORD)
    for times in (1, 2):
        assert not drop(page, "#prompt", picture("holiday.png", {}))
        page.wait_for_function(_HEARD, arg=["does not tell how it was drawn", times])


@pytest.mark.console_ok("ERR_INTERNET_DISCONNECTED", "WebSocket")
def test_it_is_told_that_nothing_could_be_undone(signed_in: Page, shell: Shell, member: tuple[str, str]) -> None:
    page = signed_in
    page.goto(f"/gallery/{give_picture(shell, member[0])}/")
    page.get_by_role("button", name="Move to the bin").click()
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.context.set_offline(True)
    undo.click()
    expect(page.locator(".toast")).to_contain_text("The server cannot be reached.")
