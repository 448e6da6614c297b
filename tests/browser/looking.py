"""What is looked for on every page: errors in the console, requests that leave the site, WCAG 2.2 AA, its width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page

WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (320, 390, 768, 1440, 1920)
# What sticks out of a page that is too wide: the innermost elements, or how wide it is.
_TOO_WIDE = """() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const sticksOut = (each) => each.getBoundingClientRect().right > clientWidth + 1;
    const wide = [...document.body.querySelectorAll('*')].filter(sticksOut);
    const innermost = wide.filter((each) => !wide.some((other) => other !== each && each.contains(other)));
    return [`the page is ${scrollWidth} px wide`, ...innermost.slice(0, 4).map((each) => each.outerHTML.slice(0, 160))];
}"""
_ARRIVED = """async () => {
    let calm = 0; // frames: what inherits a colour starts to change when its parent has
    while (calm < 2) {
        await new Promise(requestAnimationFrame);
        calm = document.getAnimations().some((each) => each instanceof CSSTransition) ? 0 : calm + 1;
    }
}"""


class Watcher:
    """Hears what goes wrong on the pages that it was given."""

    def __init__(self) -> None:
        self._wrong: list[str] = []

    def watch(self, page: Page) -> Page:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._wrong.append(str(error)))
        page.on("request", lambda sent: self._wrong.append(f"left the site: {sent.url}") if _leaves(sent.url) else None)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location
            self._wrong.append(f"{message.text} ({where['url']}:{where['lineNumber']})")

    def unexpected(self, allowed: Iterable[str] = ()) -> list[str]:
        """All that was heard but for errors that hold one of the `allowed` texts: those are caused on purpose."""
        parts = list(allowed)
        return [text for text in self._wrong if not any(part in text for part in parts)]


def _leaves(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in {"localhost", "127.0.0.1"}


def put_on(page: Page, theme: Literal["light", "dark"]) -> None:
    """Have the system ask for this theme, and wait until every colour has arrived."""
    page.emulate_media(color_scheme=theme)
    page.evaluate(_ARRIVED)


def barriers(page: Page, *, rules: Iterable[str] = ()) -> list[str]:
    """What breaks WCAG 2.2 AA on the page as it is, in readable lines; with `rules`, by these of axe's rules only."""
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": WCAG_22_AA}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # Preloading would have axe write style sheets of its own into the page, against the Content-Security-Policy.
    options = {"runOnly": only, "resultTypes": ["violations"], "preload": False}
    found = page.evaluate("(options) => axe.run(options)", options)["violations"]
    return [
        f"{each['id']} [{each['impact']}] {each['help']}\n    "
        + "\n    ".join(node["html"][:160] for node in each["nodes"][:5])
        for each in found
    ]


def overflows(page: Page, widths: Iterable[int] = WIDTHS) -> list[str]:
    """What sticks out sideways at each of these widths. The window keeps the last one."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{width} px: {line}" for line in page.evaluate(_TOO_WIDE)]
    return found
