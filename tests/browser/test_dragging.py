"""One's own waiting batches dragged into another order, with the mouse and with a finger; Escape puts them back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_account import ask

PROMPTS = ["first of all", "a red fox", "a grey owl", "a blue whale"]


@pytest.fixture
def waiting() -> Iterator[Callable[[Page], Locator]]:
    """`waiting(page)` asks for four batches, the first long enough for a test; answers their prompts."""
    pages = []

    def begin(page: Page) -> Locator:
        pages.append(page)
        for prompt in PROMPTS:
            ask(page, prompt, count=10 if prompt == PROMPTS[0] else 3)
        page.goto("/queue/")
        prompts = page.locator("#own-line p")
        expect(prompts).to_have_text(PROMPTS)
        return prompts

    yield begin
    for page in pages:
        page.get_by_role("button", name="Cancel all of mine").click()
        expect(page.locator("#own")).to_be_hidden()


def grip(page: Page, prompt: str) -> Locator:
    return page.locator("#own-line li", has_text=prompt).locator("[data-part=grip]")


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag_to(page: Page, prompt: str, other: str) -> None:
    """Hold the batch where the other is, with the mouse. What lies above the list may change meanwhile."""
    grip(page, prompt).hover()
    page.mouse.down()
    x, y = middle(grip(page, other))
    page.mouse.move(x, y - 10, steps=8)


def test_the_mouse_moves_a_batch_and_escape_puts_it_back(
    signed_in: Page, waiting: Callable[[Page], Locator], axe: Callable[[Page], None]
) -> None:
    page = signed_in
    prompts = waiting(page)
    drag_to(page, "a blue whale", "a red fox")
    moved = ["first of all", "a blue whale", "a red fox", "a grey owl"]
    expect(prompts).to_have_text(moved)
    axe(page)
    page.keyboard.press("Escape")
    expect(prompts).to_have_text(PROMPTS)
    expect(page.locator("#announcer")).to_have_text("Put back.")
    page.mouse.up()
    expect(prompts).to_have_text(PROMPTS)

    drag_to(page, "a blue whale", "a red fox")
    with page.expect_response(re.compile("/move$")) as answer:
        page.mouse.up()
    assert answer.value.status == 200
    expect(page.locator("#announcer")).to_have_text("Now number 2 of 4.")
    expect(prompts).to_have_text(moved)
    page.reload()
    expect(prompts).to_have_text(moved)
    assert page.evaluate("document.querySelectorAll('.is-held, [style*=translate]').length") == 0


def test_a_finger_moves_a_batch_and_the_page_stays(
    phone: BrowserContext, member: tuple[str, str], waiting: Callable[[Page], Locator], watch: Callable[[Page], Page]
) -> None:
    page = watch(phone.new_page())
    sign_in(page, member)
    prompts = waiting(page)
    grip(page, "a red fox").scroll_into_view_if_needed()
    (x, start), (_x, end) = middle(grip(page, "a red fox")), middle(grip(page, "a blue whale"))
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    send("touchStart", (x, start))
    for step in range(1, 9):
        send("touchMove", (x, start + (end + 10 - start) * step / 8))
    moved = ["first of all", "a grey owl", "a blue whale", "a red fox"]
    expect(prompts).to_have_text(moved)
    with page.expect_response(re.compile("/move$")) as answer:
        send("touchEnd")
    assert answer.value.status == 200
    assert page.evaluate("scrollY") == 0
    page.reload()
    expect(prompts).to_have_text(moved)
