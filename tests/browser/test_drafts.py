"""What is typed and not asked for yet is never lost: not by a reload, by signing out, or by what takes its place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_pictures_as_settings import picture
from tests.site.shell import Shell

GIVE = """
from django.contrib.auth.models import User
from tests.factories import make_image
print(make_image(User.objects.get(username={name!r})).pk)
"""


def give_picture(shell: Shell, name: str) -> str:
    """A picture of this person that nobody had to wait for; its id. Its prompt is *a lighthouse at dusk*."""
    return shell(GIVE.format(name=name)).strip()


@pytest.fixture
def composer(signed_in: Page) -> Page:
    """The create page, its scripts at work."""
    expect(signed_in.locator("[data-summary]")).to_have_text(re.compile("·"))
    return signed_in


def test_signing_out_and_in_again(composer: Page, member: tuple[str, str]) -> None:
    page = composer
    page.get_by_label("Describe your picture").fill("half a thought")
    page.get_by_role("radio", name="4:3").check()
    page.goto("/accounts/logout/")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/accounts/login/**")
    sign_in(page, member)
    expect(page.get_by_label("Describe your picture")).to_have_value("half a thought")
    expect(page.get_by_role("radio", name="4:3")).to_be_checked()


def test_a_reload_keeps_the_picture_to_start_from_and_what_is_painted_on_it(composer: Page) -> None:
    page = composer
    page.locator("[data-start-file]").set_input_files(picture("fox.png", {}))
    shown = page.get_by_role("img", name="The picture to start from").first
    expect(shown).to_be_visible()
    address = shown.get_attribute("src") or ""
    page.get_by_label("Strength").fill("0.8")
    page.get_by_role("button", name="Paint what to redraw").click()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Mask is set")).to_be_visible()

    page.reload()
    expect(shown).to_have_attribute("src", address)
    expect(page.get_by_label("Strength")).to_have_value("0.8")
    expect(page.get_by_text("Mask is set")).to_be_visible()
    page.get_by_role("button", name="Paint what to redraw").click()
    expect(page.locator("[data-paint-share]")).to_contain_text("100%")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Remove the mask").click()
    page.reload()
    expect(shown).to_have_attribute("src", address)
    expect(page.get_by_text("Mask is set")).to_be_hidden()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.reload()
    expect(page.get_by_role("button", name="Start from a picture")).to_be_visible()


def test_what_takes_the_place_of_a_draft_can_be_undone(composer: Page, shell: Shell, member: tuple[str, str]) -> None:
    page, prompt = composer, composer.get_by_label("Describe your picture")
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    surprise = page.get_by_role("button", name="Surprise me")
    prompt.fill("my own words")
    for replace in (page.get_by_role("button", name="Clear"), surprise, page.locator("[data-idea]").first):
        replace.click()
        expect(prompt).not_to_have_value("my own words")
        undo.click()
        expect(prompt).to_have_value("my own words")

    # What the page itself has put there is no loss.
    surprise.click()
    page.locator(".toast").get_by_role("button", name="Close").click()
    surprise.click()
    expect(undo).to_have_count(0)

    prompt.fill("my own words")
    page.get_by_label("Describe your picture").press("End")
    page.goto(f"/?reuse={give_picture(shell, member[0])}")
    expect(prompt).to_have_value("a lighthouse at dusk")
    page.locator(".fold > summary").click()
    expect(page.locator("#seed")).to_have_value("42")
    undo.click()
    expect(prompt).to_have_value("my own words")
    expect(page.locator("#seed")).to_have_value("")
    page.reload()
    expect(prompt).to_have_value("my own words")
