"""The main job by keys alone: focus is always on something that can be seen, and what matters is read aloud."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from tests.browser.conftest import sign_in
from tests.site.running import Site

FAR = 120  # presses of Tab: further than from one end of these pages to the other
RECORD = """() => {
    const announcer = document.getElementById('announcer');
    window.said = [];
    const hear = () => announcer.textContent && window.said.push(announcer.textContent);
    new MutationObserver(hear).observe(announcer, { childList: true });
}"""
# What has the focus, unless that is nothing a person could see.
FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body || !element.checkVisibility({ visibilityProperty: true })) return '';
    const { top, bottom, left, right } = element.getBoundingClientRect();
    const isInView = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
    return isInView ? element.outerHTML.slice(0, 120) : '';
}"""


def assert_focus_is_seen(page: Page) -> None:
    """At the latest in the next moment: a link that slides into view needs one."""
    try:
        page.wait_for_function(FOCUSED, timeout=2_000)
    except TimeoutError:
        pytest.fail(f"focus is on nothing that can be seen: {page.evaluate('document.activeElement.outerHTML')[:160]}")


def wait_until_alive(page: Page) -> None:
    """Until the create page listens to keys; from now on it is noted what is read aloud."""
    expect(page.get_by_role("button", name=re.compile("^Generate"))).to_have_text(re.compile("4 pictures"))
    page.evaluate(RECORD)


def wait_until_said(page: Page, words: str) -> list[str]:
    """Everything that was read aloud so far, once these words were."""
    page.wait_for_function("(words) => window.said.some((text) => text.includes(words))", arg=words)
    said: list[str] = page.evaluate("window.said")
    return said


def tab_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press Tab until `wanted` has the focus; it is seen at every stop."""
    for _press in range(FAR):
        page.keyboard.press(key)
        assert_focus_is_seen(page)
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    pytest.fail(f"{wanted} cannot be reached with {key}")


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    assert_focus_is_seen(page)


def test_from_signing_in_to_signing_out(page: Page, member: tuple[str, str]) -> None:
    page.goto("/accounts/login/")
    tab_to(page, page.get_by_label("Login"))
    page.keyboard.type(member[0])
    tab_to(page, page.get_by_label("Password", exact=True))
    page.keyboard.type(member[1])
    page.keyboard.press("Enter")
    wait_until_alive(page)

    # Describe, set a shape, a number and steps, and ask.
    press(page, "/")
    expect(page.get_by_label("Describe your picture")).to_be_focused()
    page.keyboard.type("A lighthouse in fog")
    tab_to(page, page.get_by_role("radio", name="1:1"))
    press(page, "ArrowRight")
    expect(page.get_by_role("radio", name="4:3")).to_be_checked()
    tab_to(page, page.get_by_role("radio", name="4", exact=True))
    press(page, "ArrowLeft")
    press(page, "ArrowLeft")
    tab_to(page, page.locator(".fold > summary"))
    press(page, "Enter")
    tab_to(page, page.get_by_label("Steps"))
    press(page, "End")
    expect(page.get_by_role("button", name=re.compile("^Generate"))).to_have_text(re.compile("2 pictures"))
    press(page, "Control+Enter")
    expect(page.locator(".tile--live .pill")).to_have_text(re.compile(r"\d+ / 50"))
    pictures = page.locator(".job .tile a")
    expect(pictures).to_have_count(2, timeout=60_000)
    assert_focus_is_seen(page)

    # Start and end are read aloud; a hundred steps are not.
    said = wait_until_said(page, "2 pictures are ready.")
    assert "Drawing has started." in " ".join(said)
    assert len(said) <= 3, said

    # Open the first, mark it, and go back to the gallery.
    tab_to(page, pictures.first)
    page.keyboard.press("Enter")
    heart = page.get_by_role("button", name="Favourite", exact=True)
    expect(heart).to_have_attribute("aria-pressed", "false")
    page.wait_for_load_state()  # until its scripts are at work the heart is a form's button, which loads the page anew
    tab_to(page, heart)
    with page.expect_response(re.compile("/api/v1/images/")) as marked:
        press(page, "Enter")
    assert marked.value.status == 200
    expect(heart).to_have_attribute("aria-pressed", "true")
    tab_to(page, page.get_by_role("link", name="Back to the gallery"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Gallery · Zimageweb")

    # Select one, delete it, and take that back: with the button, and with the key.
    cells = page.locator(".cell")
    tab_to(page, page.get_by_role("button", name="Select", exact=True))
    press(page, "Enter")
    tab_to(page, cells.first.get_by_role("checkbox"))
    press(page, "Space")
    expect(page.get_by_text("1 selected")).to_be_visible()
    tab_to(page, page.get_by_role("toolbar").get_by_role("button", name="Delete"))
    press(page, "Enter")
    expect(cells).to_have_count(1)
    assert_focus_is_seen(page)
    tab_to(page, page.get_by_role("button", name="Undo"))
    press(page, "Enter")
    expect(cells).to_have_count(2)
    assert_focus_is_seen(page)
    tab_to(page, cells.first.get_by_role("checkbox"), "Shift+Tab")
    press(page, "Space")
    press(page, "Delete")
    expect(cells).to_have_count(1)
    assert_focus_is_seen(page)
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    press(page, "Control+z")
    expect(cells).to_have_count(2)
    assert_focus_is_seen(page)

    # A dialog that a menu has opened gives the focus back to the menu.
    more = page.locator("summary").and_(page.get_by_label("More"))
    tab_to(page, more, "Shift+Tab")
    press(page, "Enter")
    tab_to(page, page.get_by_role("button", name="Delete all…"))
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "Escape")
    expect(more).to_be_focused()

    tab_to(page, page.locator(".account-menu > summary"), "Shift+Tab")
    press(page, "Enter")
    tab_to(page, page.get_by_role("button", name="Sign out"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in to Zimageweb")).to_be_visible()


def test_a_failure_is_read_aloud_and_cancelling_keeps_the_focus(
    page: Page, member: tuple[str, str], running_site: Site
) -> None:
    with closing(sqlite3.connect(f"file:{running_site.data_dir / 'db.sqlite3'}?mode=ro", uri=True)) as connection:
        (pk,) = connection.execute("SELECT id FROM auth_user WHERE username = ?", (member[0],)).fetchone()
    folder = running_site.data_dir / "media" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(pk)).write_text("in the way of the folder of this person's pictures")
    sign_in(page, member)
    wait_until_alive(page)
    page.get_by_label("Describe your picture").fill("A paper boat")
    page.keyboard.press("Control+Enter")
    assert any("could not be stored" in text for text in wait_until_said(page, "A picture could not be finished."))

    page.get_by_label("Describe your picture").fill("Another paper boat")
    page.locator(".fold > summary").click()
    page.get_by_label("Steps").press("End")
    page.keyboard.press("Control+Enter")
    # Of the batch before, three more pictures may still be under way.
    job = page.locator(".job", has_text="Another paper boat")
    expect(job.locator(".tile--live")).to_be_visible()
    job.get_by_role("button", name="Cancel", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".tile--live")).to_have_count(0)
    assert_focus_is_seen(page)
