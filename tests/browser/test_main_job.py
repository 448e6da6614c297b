"""The main job, as a person does it: sign up, be let in, describe, watch, keep, delete, change one's mind."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import ADMIN, sign_in
from tests.site.running import Site, until

Watch = Callable[[Page], Page]


def ask(page: Page, prompt: str, *, count: int = 2, steps: int = 8) -> None:
    page.get_by_label("Describe your picture").fill(prompt)
    page.get_by_role("radio", name=str(count), exact=True).check()
    if not page.locator("#steps").is_visible():
        page.locator("summary", has_text="Fine-tuning").click()
    page.locator("#steps").fill(str(steps))
    button = page.get_by_role("button", name=re.compile("^Generate"))
    expect(button).to_have_text(re.compile(rf"{count} pictures?"))
    button.click()


def test_from_signing_up_to_a_picture_kept_deleted_and_brought_back(
    browser: Browser, page: Page, base_url: str, watch: Watch, axe: Callable[[Page], None]
) -> None:
    # Mei signs up and is told to wait.
    page.goto("/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Username").fill("mei")
    page.get_by_label("Password", exact=True).or_(page.get_by_label("Password:", exact=True)).first.fill(
        "correct-horse-7"
    )
    page.get_by_label(re.compile("again", re.I)).fill("correct-horse-7")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text(re.compile("approv", re.I)).first).to_be_visible()
    axe(page)

    # The administrator lets her in.
    office = watch(browser.new_page(base_url=base_url))
    sign_in(office, ADMIN)
    office.goto("/admin/auth/user/?q=mei")
    office.locator("input.action-select").check()
    office.get_by_label("Action:").select_option("approve")
    office.get_by_role("button", name="Go", exact=False).first.click()
    expect(office.locator(".messagelist")).to_be_visible()
    office.close()

    # She signs in and describes two pictures, slow enough to be watched.
    sign_in(page, ("mei", "correct-horse-7"))
    axe(page)
    ask(page, "Violet dusk over still water", count=2, steps=50)

    # Place in line, steps, preview, picture.
    live = page.locator(".tile--live")
    expect(live.locator(".pill")).to_have_text(re.compile(r"\d+ / 50"))
    expect(live.locator("img")).to_have_attribute("src", re.compile("^data:image/webp"))
    expect(page).to_have_title(re.compile(r"^\(\d/2\)"))
    pictures = page.locator(".job .tile a img")
    expect(pictures).to_have_count(2, timeout=60_000)
    expect(page).to_have_title(re.compile("^Create"))

    # The gallery has both; the viewer shows what each was made from.
    page.get_by_role("link", name="Gallery").first.click()
    cells = page.locator(".cell")
    expect(cells).to_have_count(2)
    axe(page)
    cells.first.locator("a").first.click()
    expect(page).to_have_url(re.compile(r"/gallery/[0-9a-f-]{36}/"))
    expect(page.get_by_text("Violet dusk over still water").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    assert re.fullmatch(r"generated_\d{8}_\d{6}_\d+\.png", download.value.suggested_filename)
    axe(page)

    # Deleted, and brought back.
    viewed = page.url
    page.get_by_role("button", name=re.compile("Delete|Move to the bin")).first.click()
    expect(page).not_to_have_url(viewed)
    page.goto("/gallery/")
    expect(cells).to_have_count(1)
    page.get_by_role("button", name="Select", exact=True).click()
    cells.first.locator("label.check").click()
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    expect(cells).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(cells).to_have_count(1)


def test_a_reload_a_second_tab_and_a_phone_show_the_same(
    signed_in: Page, member: tuple[str, str], phone: BrowserContext, watch: Watch
) -> None:
    ask(signed_in, "Warm sand and a pale green sky", count=4, steps=50)
    expect(signed_in.locator(".tile--live .pill")).to_be_visible()
    tab = watch(signed_in.context.new_page())
    tab.goto("/")
    small = watch(phone.new_page())
    sign_in(small, member)
    signed_in.reload()
    for each in (signed_in, tab, small):
        expect(each.locator(".job").first).to_contain_text("Warm sand")
        expect(each.locator(".tile--live .pill")).to_have_text(re.compile(r"\d+ / 50"))
    for each in (signed_in, tab, small):
        expect(each.locator(".job .tile a img")).to_have_count(4, timeout=60_000)
    assert small.evaluate("document.documentElement.scrollWidth") <= 390


def test_cancelling_stops_what_is_drawn_and_what_waits(signed_in: Page) -> None:
    ask(signed_in, "Deep sea, one red lantern", count=4, steps=50)
    expect(signed_in.locator(".tile--live .pill")).to_be_visible()
    signed_in.locator(".job").first.get_by_role("button", name="Cancel", exact=True).click()
    expect(signed_in.get_by_text("Cancelled").first).to_be_visible()
    expect(signed_in.locator(".tile--live")).to_have_count(0)


@pytest.mark.console_ok("422")
def test_what_was_typed_survives_a_refusal_and_a_reload(signed_in: Page) -> None:
    expect(signed_in.locator("[data-summary]")).to_have_text(re.compile("·"))  # its scripts are at work
    box = signed_in.get_by_label("Describe your picture")
    box.fill("x" * 2_001)
    signed_in.get_by_role("button", name=re.compile("^Generate")).click()
    expect(signed_in.locator("#prompt-error")).to_contain_text("2000")
    expect(box).to_have_attribute("aria-invalid", "true")
    assert box.input_value() == "x" * 2_001
    box.fill("a draft")
    signed_in.reload()
    expect(box).to_have_value("a draft")


def test_the_worker_is_killed_while_it_draws_and_the_picture_arrives_once(signed_in: Page, running_site: Site) -> None:
    ask(signed_in, "Autumn forest seen through fog", count=1, steps=50)
    expect(signed_in.locator(".tile--live .pill")).to_be_visible()
    worker = running_site.children()["worker"]
    os.kill(worker, signal.SIGKILL)
    expect(signed_in.locator(".job .tile a img")).to_have_count(1, timeout=60_000)
    until(lambda: running_site.children().get("worker") not in (None, worker), what="a new worker")
    signed_in.goto("/gallery/")
    expect(signed_in.locator(".cell")).to_have_count(1)
