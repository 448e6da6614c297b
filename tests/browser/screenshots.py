"""`make screenshots`: a picture of each page and state, on a desk and on a phone, light and dark, into var/screenshots.

Run as `python -m tests.browser.screenshots [NAME…]`; with names, only states whose names begin with one of them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import sync_playwright

from tests.browser.chromium import ARGUMENTS, CHINESE, DESKTOP, MISSING, PHONE, find_chromium
from tests.browser.looking import force_colours, put_on
from tests.browser.stage import Stage, stage
from tests.browser.states import STATES, State

FOLDER = Path(__file__).resolve().parent.parent.parent / "var" / "screenshots"
DEVICES = {"desktop": DESKTOP, "phone": PHONE}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def take(built: Stage, state: State, name: str, device: dict[str, Any]) -> int:
    with built.window(state, device) as page:
        built.enter(page, state)
        for theme in THEMES:
            put_on(page, theme)
            page.screenshot(path=FOLDER / f"{state.name}-{name}-{theme}.png")
        if state.is_in_forced_colours:
            force_colours(page)
            page.screenshot(path=FOLDER / f"{state.name}-{name}-forced-colours.png")
    return len(THEMES) + state.is_in_forced_colours


def main() -> None:
    began, taken = time.monotonic(), 0
    wanted = [state for state in STATES if state.name.startswith(tuple(sys.argv[1:]) or "")]
    if not wanted:
        sys.exit(f"There is no state whose name begins with {' or '.join(sys.argv[1:])}.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = find_chromium(playwright)
        if chromium is None:
            sys.exit(MISSING)
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        with stage(browser) as built:
            for state in wanted:
                for name, device in DEVICES.items():
                    taken += take(built, state, name, device)
                    if state.is_translated:
                        taken += take(built, state, f"zh-{name}", device | CHINESE)
        browser.close()
    seconds = time.monotonic() - began
    sys.stdout.write(f"{taken} screenshots of {len(wanted)} states in {FOLDER}, in {seconds:.0f} s.\n")


if __name__ == "__main__":
    main()
