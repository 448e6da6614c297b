"""Albums, a ZIP and a date in the gallery: with the keyboard, on a phone, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.browser.conftest import sign_in
from tests.site.shell import Shell

MAKE = """
import datetime as dt
from django.contrib.auth.models import User
from tests.factories import make_image
owner = User.objects.get(username={name!r})
for number in range(4):
    make_image(owner, prompt=f"fox {{number}}", age=dt.timedelta(days=number))
"""

# As if a thousand more had been loaded by scrolling: each with an id of its own, which the server does not know.
COPY = """() => {
    const cell = document.querySelector('.cell');
    for (let number = 0; number < 1000; number += 1) {
        const copy = cell.cloneNode(true);
        copy.dataset.id = crypto.randomUUID();
        copy.querySelector('[name=ids]').value = copy.dataset.id;
        copy.querySelector('img').remove();
        cell.after(copy);
    }
}"""
# Whether the page's connection has brought it anything yet.
HEAR = """
window.WebSocket = class extends WebSocket {
    constructor(...where) {
        super(...where);
        this.addEventListener('message', () => { window.hasHeard = true; });
    }
};
"""
PACK = """async (id) => {
    const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
    const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': token };
    const body = JSON.stringify({ ids: [id] });
    return (await fetch('/api/v1/archives', { method: 'POST', headers, body })).status;
}"""


@pytest.fixture
def pictures(shell: Shell, member: tuple[str, str]) -> tuple[str, str]:
    """A person with four pictures, the newest called *fox 0*."""
    shell(MAKE.format(name=member[0]))
    return member


def test_an_album_is_made_filled_renamed_packed_and_deleted(
    page: Page, pictures: tuple[str, str], axe: Callable[[Page], None]
) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    for number in (0, 1):
        page.get_by_role("checkbox", name=f"Select: fox {number}").check(force=True)
    page.get_by_label("Add to album").click()
    page.get_by_role("button", name="New album…").press("Enter")
    name = page.get_by_role("dialog").get_by_label("Name")
    expect(name).to_be_focused()
    name.fill("Foxes")
    axe(page)
    name.press("Enter")
    expect(page).to_have_url(re.compile(r"\?album="))
    expect(page.locator(".cell")).to_have_count(2)
    chip = page.locator(".shelf .chip[aria-current]")
    expect(chip).to_have_text(re.compile("Foxes 2"))

    field = page.get_by_label("Name of the album")
    field.fill("Red foxes")
    field.press("Enter")
    expect(chip).to_have_text(re.compile("Red foxes 2"))
    axe(page)

    page.get_by_role("button", name="Download as ZIP").first.click()
    ready = page.locator(".toast", has_text="A ZIP with 2 pictures is ready.")
    expect(ready).to_be_visible()
    with page.expect_download() as download:
        page.locator(".toast").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.startswith("red-foxes_")

    page.get_by_role("checkbox", name="Select: fox 1").check(force=True)
    page.get_by_role("button", name="Take out of the album").click()
    expect(page.locator(".cell")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".cell")).to_have_count(2)

    page.get_by_role("link", name="Delete album…").click()
    page.get_by_role("button", name="With its 2 pictures").click()
    expect(page.locator(".cell")).to_have_count(2)
    expect(page.locator('.shelf [data-count="bin"]')).to_have_text("2")
    page.goto("/gallery/zip/")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    axe(page)


def test_more_pictures_than_one_request_takes_go_into_an_album(page: Page, pictures: tuple[str, str]) -> None:
    sent: list[int] = []
    page.on(
        "request",
        lambda request: sent.append(len(request.post_data_json["ids"])) if "/v1/albums" in request.url else None,
    )

    def is_about_all(response: Response) -> bool:
        """Not the answer to a page that shows an album and is being left."""
        return response.url.endswith("/whereabouts") and not response.request.post_data_json.get("album")

    def choose_all_and_open_the_menu() -> None:
        with page.expect_response(is_about_all):  # it asks no more for those that are shown
            page.goto("/gallery/")
        page.evaluate(COPY)
        page.keyboard.press("ControlOrMeta+a")
        expect(page.get_by_text("1004 selected")).to_be_visible()
        page.get_by_label("Add to album").click()

    sign_in(page, pictures)
    choose_all_and_open_the_menu()
    page.get_by_role("button", name="New album…").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Many")
    page.get_by_role("button", name="Create album").click()
    expect(page).to_have_url(re.compile(r"\?album="))
    expect(page.locator(".cell")).to_have_count(4)

    choose_all_and_open_the_menu()
    page.get_by_role("toolbar").get_by_role("button", name="Many").click()
    expect(page.locator(".toast")).to_contain_text("0 pictures added.")
    assert sent == [1000, 4, 1000, 4]


def test_a_zip_is_announced_on_pages_without_live_pictures(page: Page, pictures: tuple[str, str]) -> None:
    page.add_init_script(HEAR)
    sign_in(page, pictures)
    page.goto("/gallery/")
    path = page.locator(".cell > a").first.get_attribute("href")
    number = page.locator(".cell").first.get_attribute("data-id")
    assert path
    for address in (path, "/accounts/", "/accounts/email/"):
        page.goto(address)
        page.wait_for_function("() => window.hasHeard")
        assert page.evaluate(PACK, number) == 202
        expect(page.locator(".toast", has_text="A ZIP with 1 picture is ready.")).to_be_visible()


def test_the_viewer_puts_a_picture_into_an_album(page: Page, pictures: tuple[str, str]) -> None:
    sign_in(page, pictures)
    page.goto("/gallery/")
    page.get_by_role("link", name="New album").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Ink")
    page.get_by_role("button", name="Create album").click()
    expect(page.get_by_text("This album is empty")).to_be_visible()
    page.goto("/gallery/")
    page.locator(".cell > a").first.click()
    page.wait_for_load_state()
    albums = page.locator("[data-albums]")
    albums.locator("summary").click()
    with page.expect_response(lambda response: "/api/v1/albums/" in response.url):
        albums.get_by_role("button", name="Ink").click()
    expect(albums.get_by_role("link", name="Ink")).to_be_visible()
    page.reload()
    expect(albums.get_by_role("link", name="Ink")).to_be_visible()


def test_a_phone_holds_the_bar_of_the_selection(narrow: Page, pictures: tuple[str, str]) -> None:
    page = narrow
    sign_in(page, pictures)
    page.goto("/gallery/")
    page.get_by_role("button", name="Select", exact=True).click()
    page.locator(".cell > a").first.click()
    page.get_by_label("Add to album").click()
    expect(page.get_by_role("button", name="New album…")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for box in (page.locator(".bulk").bounding_box(), page.locator(".bulk .menu__list").bounding_box()):
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320


def test_all_of_it_works_without_scripts(
    browser: Browser, browser_context_args: dict[str, Any], pictures: tuple[str, str]
) -> None:
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, pictures)
    page.goto("/gallery/")
    page.get_by_role("checkbox", name="Select: fox 2").check(force=True)
    page.get_by_label("Add to album").click()
    page.get_by_role("button", name="New album…").click()
    expect(page.locator(".cell")).to_have_count(1)
    page.get_by_label("Name of the album").fill("Plain")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator(".shelf .chip[aria-current]")).to_have_text(re.compile("Plain 1"))
    day = page.locator(".cell").first.get_attribute("data-name")
    assert day
    page.goto("/gallery/")
    page.get_by_label("Jump to date").first.click()
    page.locator("#day").fill(f"{day[10:14]}-{day[14:16]}-{day[16:18]}")
    page.get_by_role("button", name="Show this day").click()
    expect(page.locator(".cell img").first).to_have_attribute("alt", "fox 2")
    expect(page.locator(".cell")).to_have_count(2)
    context.close()
