"""The pages and states of the table: accessible, quiet in the console, alone with their site, and never too wide.

Each is seen on a desk and as narrow as a phone, light in one and dark in the other; the main pages also on a phone that
is touched, in Chinese and in the dark. With `ALL_STATES=1` the rare states too, half a minute longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import CHINESE, DESKTOP, PHONE
from tests.browser.looking import Watcher, alike, barriers, force_colours, overflows, put_on, too_small
from tests.browser.stage import Stage, stage
from tests.browser.states import STATES, State

# In the order of the table, in which the worker has the least to change.
SEEN = [
    (state, device)
    for state in STATES
    for device, is_chosen in (
        ("desk", not state.is_rare or bool(os.environ.get("ALL_STATES"))),
        ("phone", state.is_translated),
    )
    if is_chosen
]
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def built(browser: Browser) -> Iterator[Stage]:
    with stage(browser) as made:
        yield made


def test_what_is_chosen_shows_in_forced_colours(built: Stage) -> None:
    state = next(state for state in STATES if state.name == "create")
    with built.window(state, DESKTOP) as page:
        built.enter(page, state)
        force_colours(page)
        assert not alike(page)


@pytest.mark.parametrize(("state", "device"), SEEN, ids=lambda value: getattr(value, "name", value))
def test_it_is_accessible_quiet_and_never_too_wide(built: Stage, state: State, device: str) -> None:
    watcher = Watcher()
    with built.window(state, DESKTOP if device == "desk" else PHONE | CHINESE | {"color_scheme": "dark"}) as page:
        watcher.watch(page)
        built.enter(page, state)
        found = _on_a_desk(page, state) if device == "desk" else _on_a_phone(page, state)
    found += watcher.unexpected(state.console_ok)
    assert not found, "\n".join(found)


def _on_a_desk(page: Page, state: State) -> list[str]:
    """Wide and narrow, each in one theme: the other of each is that of the states beside it."""
    wide, narrow = THEMES if STATES.index(state) % 2 else THEMES[::-1]
    put_on(page, wide)
    found = [f"{wide}: {line}" for line in barriers(page)]
    page.set_viewport_size(PHONE["viewport"])
    put_on(page, narrow)
    found += [f"narrow, {narrow}: {line}" for line in barriers(page)]
    return found + overflows(page)


def _on_a_phone(page: Page, state: State) -> list[str]:
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    found = barriers(page) + overflows(page, (320, 390))
    return found if state.who == "admin" else found + too_small(page)  # Django's own pages
