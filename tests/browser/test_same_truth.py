"""Three windows of one person show the same pictures in the same states, whatever each of them has been through.

One loses its network while pictures are finished, one is reloaded, one is a phone that is opened only then. How long
the network is away at least says `CUT_SECONDS`: a minute by hand, a few seconds otherwise.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_main_job import ask
from tests.site.running import Site, until

logger = logging.getLogger(__name__)

CUT_SECONDS = float(os.environ.get("CUT_SECONDS", "3"))
SOON = 3.0  # seconds
# Every batch in the order shown, its kind, and each of its tiles; bars and words of time move on by themselves.
_SHOWN = """() => JSON.stringify([...document.querySelectorAll('#jobs [data-batch]')].map((batch) => [
    batch.dataset.batch, batch.className,
    [...batch.querySelectorAll('.tile')].map((tile) => [
        tile.dataset.state, tile.querySelector('a')?.getAttribute('href') ?? '',
    ]),
]))"""

Windows = Callable[[], Page]


@pytest.fixture
def open_window(
    browser: Browser,
    browser_context_args: dict[str, Any],
    watch: Callable[[Page], Page],
) -> Iterator[Windows]:
    """Opens a window that shares nothing with the others: cookies and network of its own."""
    contexts: list[BrowserContext] = []

    def open_window() -> Page:
        contexts.append(browser.new_context(**browser_context_args))
        return watch(contexts[-1].new_page())

    yield open_window
    for context in contexts:
        context.close()


def shown(page: Page) -> list[Any]:
    found: list[Any] = json.loads(page.evaluate(_SHOWN))
    return found


def pictures(page: Page) -> set[str]:
    return {href for _, _, tiles in shown(page) for _, href in tiles if href}


def states(page: Page) -> list[str]:
    """Of the person's generations, as the server has them."""
    answer = page.request.get("/api/v1/generations?feed=true")
    return [item["state"] for item in answer.json()["items"]]


def kept(page: Page) -> set[str]:
    """Addresses of the person's pictures, as the server has them."""
    return {item["url"] for item in page.request.get("/api/v1/images").json()["items"]}


def agree(*pages: Page) -> float:
    """Wait until all show the same, and every picture that the server has; after how many seconds they did."""
    begin = time.monotonic()

    def is_same() -> bool:
        first, *others = (shown(page) for page in pages)
        return bool(first) and all(first == other for other in others) and pictures(pages[0]) == kept(pages[0])

    until(is_same, seconds=SOON, what=f"the same in all windows: {[shown(page) for page in pages]}")
    return time.monotonic() - begin


@pytest.mark.console_ok("ERR_INTERNET_DISCONNECTED", "WebSocket")
def test_three_windows_agree_after_a_cut_a_reload_and_on_a_new_phone(
    open_window: Windows,
    phone: BrowserContext,
    running_site: Site,
    member: tuple[str, str],
    watch: Callable[[Page], Page],
) -> None:
    desk, tab = open_window(), open_window()
    for page in (desk, tab):
        sign_in(page, member)
    ask(desk, "A lighthouse in fog", count=2, steps=50)
    ask(desk, "A red house on a hill at dawn", count=4, steps=50)
    expect(tab.locator(".tile--live .pill")).to_have_text(re.compile(r"\d+ / 50"))

    # The desk is cut off: pictures are finished, one batch is given up, another asked for.
    desk.context.set_offline(True)
    end = time.monotonic() + CUT_SECONDS
    until(lambda: states(tab).count("succeeded") >= 2, seconds=60, what="two pictures are drawn")
    expect(tab.locator(".job .tile a img")).to_have_count(2)
    given_up = tab.locator(".job, .queued", has_text="A red house")
    given_up.get_by_role("button", name="Cancel", exact=True).click()
    until(lambda: "cancelled" in states(tab), what="the second batch is given up")
    until(lambda: time.monotonic() > end, seconds=CUT_SECONDS + 1, what="the cut was long enough")
    ask(tab, "The sea at night with a white boat", count=4, steps=50)
    until(lambda: "running" in states(tab), what="the third batch is begun")
    assert shown(desk) != shown(tab), "the cut did not cut"

    desk.context.set_offline(False)
    logger.info("after a cut of at least %.0f s: %.2f s", CUT_SECONDS, agree(desk, tab))

    begin = time.monotonic()
    tab.reload(wait_until="commit")
    until(lambda: tab.locator("#jobs").count(), seconds=SOON, what="the reloaded page")
    agree(tab, desk)
    logger.info("reloaded: %.2f s", time.monotonic() - begin)

    hand = watch(phone.new_page())
    sign_in(hand, member)
    logger.info("new phone: %.2f s; %s", agree(hand, tab, desk), ", ".join(states(hand)))
    desk.request.post("/api/v1/generations/cancel", headers=_token(desk))  # whatever comes next need not wait for it


def _token(page: Page) -> dict[str, str]:
    found = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    return {"X-CSRFToken": found}
