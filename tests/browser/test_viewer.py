"""The viewer: going on and back, its keys, facts; on a phone, over plain http, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.chromium import PHONE
from tests.browser.conftest import sign_in
from tests.browser.looking import too_small
from tests.site.shell import Shell

Account = tuple[str, str]
MAKE = """
import datetime as dt
from django.contrib.auth.models import User
from tests.factories import make_image
owner = User.objects.get(username={name!r})
record = {{"negative_prompt": "blurry", "variation": 0.3}}
make_image(owner, prompt="fox 0", width=1600, height=1200, guidance=2.0, record=record)
for number in range(1, 40):
    make_image(owner, prompt=f"fox {{number}}", width=24, height=16, age=dt.timedelta(minutes=5 + number))
"""


@pytest.fixture
def foxes(shell: Shell, member: Account) -> Account:
    """A person with forty pictures; the newest, *fox 0*, is the only large one."""
    shell(MAKE.format(name=member[0]))
    return member


@pytest.fixture
def viewer(page: Page, foxes: Account) -> Page:
    """*fox 0*, opened from the gallery."""
    sign_in(page, foxes)
    return open_fox(page)


@pytest.fixture
def phone_viewer(phone: BrowserContext, foxes: Account, watch: Callable[[Page], Page]) -> Page:
    page = watch(phone.new_page())
    sign_in(page, foxes)
    return open_fox(page)


def open_fox(page: Page, number: int = 0) -> Page:
    page.goto("/gallery/")
    page.locator(".cell > a").nth(number).click()
    return arrived_at(page, number)


def arrived_at(page: Page, number: int) -> Page:
    """Once the viewer shows it and its scripts hear the keys."""
    expect(picture(page)).to_have_attribute("alt", f"fox {number}")
    page.wait_for_load_state()
    return page


def picture(page: Page) -> Locator:
    return page.locator("[data-stage] img")


def enlarge(page: Page) -> Locator:
    return page.get_by_role("button", name="Enlarge")


# -- going on and back ------------------------------------------------------------------------------------------------


def test_the_keys_do_what_the_list_says(viewer: Page) -> None:
    page = viewer
    heart = page.get_by_role("button", name="Favourite", exact=True)
    with page.expect_response(re.compile("/api/v1/images/")) as marked:
        page.keyboard.press("f")
    assert marked.value.status == 200
    expect(heart).to_have_attribute("aria-pressed", "true")
    panel = page.get_by_role("complementary", name="Details")
    expect(panel).to_be_visible()
    page.keyboard.press("i")
    expect(panel).to_be_hidden()
    page.keyboard.press("i")
    expect(panel).to_be_visible()
    page.keyboard.press("ArrowRight")
    arrived_at(page, 1)
    with page.expect_download():
        page.keyboard.press("Shift+D")
    page.keyboard.press("Delete")
    arrived_at(page, 2)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("3 / 40", exact=True)).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("x")
    expect(page).to_have_title("Gallery · Zimageweb")
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Select: fox 2", exact=True)).to_be_checked()
    expect(page.locator(".cell")).to_have_count(40)


def test_a_key_that_is_held_deletes_one_picture(viewer: Page) -> None:
    page = viewer
    page.keyboard.down("Delete")
    arrived_at(page, 1)
    for _ in range(3):
        page.keyboard.down("Delete")
    page.keyboard.up("Delete")
    page.keyboard.press("ArrowRight")
    arrived_at(page, 2)
    page.goto("/gallery/")
    expect(page.locator(".cell")).to_have_count(39)


def test_back_leads_to_the_place_in_the_gallery_also_after_deleting(page: Page, foxes: Account) -> None:
    sign_in(page, foxes)
    page.goto("/gallery/")
    page.locator(".cell > a").nth(38).scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    assert place > 0
    entries = page.evaluate("history.length")
    page.locator(".cell > a").nth(38).click()
    arrived_at(page, 38)
    page.keyboard.press("Delete")
    arrived_at(page, 39)
    page.get_by_role("link", name="Back to the gallery").click()
    expect(page).to_have_title("Gallery · Zimageweb")
    expect(page.locator(".cell")).to_have_count(39)
    expect(page.get_by_role("img", name="fox 38")).to_have_count(0)
    assert page.evaluate("history.length") == entries + 1  # no second gallery
    page.wait_for_function("(place) => scrollY > place / 2", arg=place)


def test_back_leads_to_the_gallery_also_by_another_way(viewer: Page) -> None:
    page, address = viewer, viewer.url
    page.get_by_role("link", name="Reuse these settings").click()
    expect(page.get_by_label("Describe your picture")).to_have_value("fox 0")
    page.goto(address)  # as from a tile of the feed
    arrived_at(page, 0)
    page.keyboard.press("Escape")
    expect(page).to_have_title("Gallery · Zimageweb")


# -- facts, and using them again --------------------------------------------------------------------------------------


def reuse(page: Page, address: str, part: str) -> None:
    page.goto(address)
    page.get_by_label("Reuse a part").click()
    page.get_by_role("link", name=part).click()


def test_a_part_of_the_settings_joins_what_was_typed(viewer: Page) -> None:
    page, address = viewer, viewer.url
    page.goto("/")
    prompt, seed = page.get_by_label("Describe your picture"), page.locator("#seed")
    expect(page.locator("[data-summary]")).to_have_text(re.compile("·"))  # its scripts are at work
    prompt.fill("my draft")
    reuse(page, address, "Only the seed")
    expect(seed).to_have_value("42")
    expect(prompt).to_have_value("my draft")
    page.locator("summary", has_text="Fine-tuning").click()
    seed.fill("7")
    reuse(page, address, "Only the prompt")
    expect(prompt).to_have_value("fox 0")
    expect(seed).to_have_value("7")


def test_the_prompt_is_copied_over_plain_http_too(page: Page, foxes: Account) -> None:
    # Browsers take this machine for secure; elsewhere there is no clipboard.
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    sign_in(page, foxes)
    open_fox(page)
    button = page.get_by_role("button", name="Copy the prompt")
    button.click()
    expect(page.locator(".toast", has_text="Copied.")).to_be_visible()
    expect(button).to_be_focused()
    page.goto("/")
    prompt = page.get_by_label("Describe your picture")
    prompt.fill("")
    prompt.press("Control+v")
    expect(prompt).to_have_value("fox 0")


# -- a phone ----------------------------------------------------------------------------------------------------------


def test_a_phone_has_all_of_it_and_large_enough(phone_viewer: Page, axe: Callable[[Page], None]) -> None:
    page = phone_viewer
    expect(page.get_by_role("button", name="Copy the prompt")).to_be_visible()
    assert not too_small(page)
    axe(page)
    page.get_by_role("button", name="Details", exact=True).tap()
    expect(page.get_by_role("button", name="Copy the negative prompt")).to_be_visible()
    assert not too_small(page)
    page.get_by_role("link", name="Older picture").tap()
    arrived_at(page, 1)
    page.get_by_role("link", name="Newer picture").tap()
    arrived_at(page, 0)
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.fixture
def plain(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """On a phone, without scripts."""
    context = browser.new_context(**browser_context_args | PHONE, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_without_scripts_a_phone_shows_all_facts_and_goes_on(plain: Page, foxes: Account) -> None:
    sign_in(plain, foxes)
    plain.goto("/gallery/")
    plain.locator(".cell > a").first.click()
    expect(plain.get_by_text("1600 × 1200").last).to_be_visible()
    expect(plain.get_by_text("blurry")).to_be_visible()
    expect(plain.get_by_role("heading", name="Albums")).to_be_visible()
    expect(enlarge(plain)).to_be_hidden()
    plain.get_by_role("link", name="Older picture").click()
    expect(picture(plain)).to_have_attribute("alt", "fox 1")
