"""The pages and states of the table: accessible, quiet in the console, alone with their site, and never too wide.

With `ALL_STATES=1` the rare ones too, half a minute longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import DESKTOP
from tests.browser.looking import Watcher, barriers, overflows, put_on
from tests.browser.stage import Stage, stage
from tests.browser.states import STATES, State

CHOSEN = [state for state in STATES if not state.is_rare or os.environ.get("ALL_STATES")]
# The dark theme changes colours only.
COLOURS = ("color-contrast", "link-in-text-block")


@pytest.fixture(scope="module")
def built(browser: Browser) -> Iterator[Stage]:
    with stage(browser) as made:
        yield made


@pytest.mark.parametrize("state", CHOSEN, ids=lambda state: state.name)
def test_it_is_accessible_quiet_and_never_too_wide(built: Stage, state: State) -> None:
    watcher = Watcher()
    with built.window(state, DESKTOP) as page:
        watcher.watch(page)
        built.enter(page, state)
        found = [f"light: {line}" for line in barriers(page)]
        put_on(page, "dark")
        found += [f"dark: {line}" for line in barriers(page, rules=COLOURS)]
        found += overflows(page)
    found += watcher.unexpected(state.console_ok)
    assert not found, "\n".join(found)
