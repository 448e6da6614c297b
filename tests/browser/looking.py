"""What is looked for on every page: errors in the console, requests that leave the site, WCAG 2.2 AA, its width; on a
phone room for a finger, in forced colours what is chosen."""

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
# What a finger cannot hit: neither as large as it is drawn nor where it takes the touch, which may be more. A link in a
# text may be as high as its line (WCAG 2.5.8); a radio or checkbox is as large as it is with its label.
_TOO_SMALL = """(least) => {
    const hidden = '.vh, .vh *, [type=hidden], :disabled';
    const shown = (each) => each.checkVisibility({ visibilityProperty: true }) && !each.matches(hidden);
    const inText = (each) => getComputedStyle(each).display === 'inline'
        && each.parentElement.innerText.trim().length > each.innerText.trim().length;
    const faults = new Map(); // kind and size → line
    for (const each of document.querySelectorAll('a[href], button, input, select, textarea, summary, [role=button]')) {
        if (!shown(each) || inText(each)) continue;
        const parts = ['radio', 'checkbox'].includes(each.type) ? [each, ...each.labels] : [each];
        each.scrollIntoView({ block: 'center', inline: 'center' });
        const boxes = parts.map((part) => part.getBoundingClientRect());
        const [x, y] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
        const width = Math.max(...boxes.map((box) => box.right)) - x;
        const height = Math.max(...boxes.map((box) => box.bottom)) - y;
        if (x + width <= 0 || y + height <= 0) continue; // the way past the menus, which comes with the focus
        const takes = (across, down) => {
            const hit = document.elementFromPoint(x + width / 2 + across, y + height / 2 + down);
            return hit !== null && parts.some((part) => part.contains(hit));
        };
        const reach = least / 2 - 1;
        const isWide = width > least - 0.5 || (takes(-reach, 0) && takes(reach, 0));
        const isHigh = height > least - 0.5 || (takes(0, -reach) && takes(0, reach));
        if (isWide && isHigh) continue;
        const size = `${Math.round(width)} × ${Math.round(height)}`;
        const words = each.ariaLabel ?? each.labels?.[0]?.innerText ?? each.innerText;
        const kind = `${each.localName}.${[...each.classList].join('.')} ${size}`;
        if (!faults.has(kind)) faults.set(kind, `${kind} px: ${words.trim().slice(0, 40)}`);
    }
    return [...faults.values()];
}"""
# Pairs of what is chosen and what is not, where both are shown.
_CHOSEN = {
    ".chip input:checked + span": ".chip input:not(:checked) + span",
    ".shape input:checked + span": ".shape input:not(:checked) + span",
    ".seg input:checked + span": ".seg input:not(:checked) + span",
    ".tabs a[aria-current]": ".tabs a:not([aria-current])",
}
_ALIKE = """(pairs) => {
    const look = (selector) => {
        const each = [...document.querySelectorAll(selector)].find((found) => found.checkVisibility());
        if (!each) return null;
        const { backgroundColor, outlineStyle, outlineWidth, textDecorationLine } = getComputedStyle(each);
        return [backgroundColor, outlineStyle, outlineWidth, textDecorationLine].join();
    };
    const alike = ([chosen, other]) => !look(chosen) || look(chosen) === look(other);
    const edges = ['.btn', '.chip span', '.shape span', '.seg span'].filter((selector) =>
        [...document.querySelectorAll(selector)].some((each) => getComputedStyle(each).borderTopStyle === 'none'));
    return [
        ...Object.entries(pairs).filter(alike).map(([chosen]) => `${chosen} looks as if it were not`),
        ...edges.map((selector) => `${selector} has no edge`),
    ];
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


def force_colours(page: Page) -> None:
    """Have the system draw everything in a few colours of its own, as Windows does for high contrast."""
    page.emulate_media(forced_colors="active")
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


def too_small(page: Page, least: int = 44) -> list[str]:
    """What a finger cannot hit: lower or narrower than `least` pixels, one line for each kind and size."""
    return [f"too small for a finger: {line}" for line in page.evaluate(_TOO_SMALL, least)]


def alike(page: Page) -> list[str]:
    """What does not show in forced colours: of the choices on the create page, and edges of what can be pressed."""
    found: list[str] = page.evaluate(_ALIKE, _CHOSEN)
    return found
