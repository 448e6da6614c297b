"""The account page and one's own place in the queue, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import overflows

LONG = {"width": 384, "height": 384, "steps": 50}


def ask(page: Page, prompt: str, count: int) -> None:
    """Over the API, as the create page does."""
    script = """async ([body]) => {
        const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
        const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': token };
        const answer = await fetch('/api/v1/generations', { method: 'POST', headers, body: JSON.stringify(body) });
        return answer.status;
    }"""
    assert page.evaluate(script, [LONG | {"prompt": prompt, "count": count}]) == 201


def assert_fits(page: Page) -> None:
    found = overflows(page, (320, 390, 1440))
    assert not found, f"{page.url}\n" + "\n".join(found)


def test_preferences_hold_and_every_page_of_the_account_is_accessible(
    signed_in: Page, axe: Callable[[Page], None]
) -> None:
    page = signed_in
    page.goto("/accounts/")
    chart = page.get_by_role("img", name="Pictures a day, last 30 days")
    expect(chart).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.locator(".history tbody tr")).to_have_count(30)
    for theme in ("Dark", "Light"):
        page.get_by_role("main").get_by_role("button", name=theme, exact=True).click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme.lower())
        axe(page)
    assert_fits(page)

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    with page.expect_response("**/accounts/keys/") as saved:
        page.get_by_label("Use single-key shortcuts").uncheck()
    assert saved.value.status == 204
    page.keyboard.press("Escape")
    page.goto("/gallery/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto("/accounts/")
    page.get_by_role("button", name="On", exact=True).press("Enter")
    expect(page.get_by_role("button", name="On", exact=True)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()

    for path in ("sessions/", "delete/", "email/", "2fa/", "password/change/", "logout/", "reauthenticate/"):
        page.goto(f"/accounts/{path}")
        axe(page)
        assert_fits(page)


@pytest.mark.console_ok("422")
def test_an_account_is_deleted_for_good(signed_in: Page, member: tuple[str, str], axe: Callable[[Page], None]) -> None:
    page = signed_in
    page.goto("/accounts/")
    page.get_by_role("link", name="Delete my account").click()
    page.get_by_label("Password").fill("a guess")
    page.get_by_role("button", name="Delete my account and 0 pictures").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    axe(page)
    page.get_by_label("Password").fill(member[1])
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_text("Your account and 0 pictures are gone.")).to_be_visible()
    page.get_by_label("Login").fill(member[0])
    page.get_by_label("Password").fill(member[1])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(re.compile("not correct"))).to_be_visible()


def test_waiting_batches_change_places_by_keyboard(signed_in: Page, axe: Callable[[Page], None]) -> None:
    page = signed_in
    ask(page, "first of all", count=10)  # long enough for all that follows
    for prompt in ("a red fox", "a grey owl", "a blue whale"):
        ask(page, prompt, count=2)
    page.goto("/queue/")
    mine = page.get_by_role("list").filter(has=page.get_by_role("button", name=re.compile("^Draw earlier")))
    prompts = mine.locator("p")
    expect(prompts).to_have_text(["first of all", "a red fox", "a grey owl", "a blue whale"])
    axe(page)
    earlier = page.get_by_role("button", name="Draw earlier: a blue whale")
    earlier.focus()
    with page.expect_response(re.compile("/move$")) as moved:
        page.keyboard.press("Enter")
    assert moved.value.status == 200
    expect(prompts.nth(2)).to_have_text("a blue whale")
    expect(earlier).to_be_focused()
    page.reload()
    expect(prompts.nth(2)).to_have_text("a blue whale")
    page.get_by_role("button", name="Cancel: a red fox").first.click()
    expect(prompts).to_have_text(["first of all", "a blue whale", "a grey owl"])
    assert_fits(page)
    page.get_by_role("button", name="Cancel all of mine").click()
    expect(page.locator("#own")).to_be_hidden()
