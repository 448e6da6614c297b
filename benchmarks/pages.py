"""What the pages weigh, how soon a gallery of 10,000 pictures is there on a slow network, and how it scrolls.

A real site, real pictures and a real Chromium, asked through its DevTools protocol.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import ground
from tests.browser.chromium import ARGUMENTS, find_chromium

PICTURES = 10_000
DOWN, UP, LATENCY = 1_600_000, 750_000, 150  # bit/s, bit/s, ms for each request
LOADS = 3  # of the gallery's first page
WINDOW = {"width": 1440, "height": 900}
STEP = 400  # pixels in a frame: more than a row of pictures, faster than anybody looks
MOST_SECONDS = 150  # of scrolling
LONG = 50  # ms: a frame that people notice
GRAIN = 8.0  # of pictures that are to weigh as photographs do
KIB = 1024

WATCH = """
window.lcp = 0; window.cls = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.lcp = entry.startTime; })
  .observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.cls += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
SEEN = """() => [...document.querySelectorAll('.cell img')]
  .filter((image) => image.getBoundingClientRect().top < innerHeight).every((image) => image.complete)"""
# One step a frame, to the end of the last page; while the next page is on its way there is nothing to scroll.
SCROLL = """([step, seconds]) => new Promise((resolve) => {
  const frames = [], nodes = [];
  const more = document.getElementsByClassName('more'), cells = document.getElementsByClassName('cell');
  const began = performance.now();
  let last = began;
  requestAnimationFrame(function tick(now) {
    frames.push(now - last);
    last = now;
    if (frames.length % 200 === 0) nodes.push([cells.length, document.getElementsByTagName('*').length]);
    const left = document.documentElement.scrollHeight - innerHeight - scrollY;
    if ((!more.length && left < 2) || now - began > seconds * 1000) {
      nodes.push([cells.length, document.getElementsByTagName('*').length]);
      resolve({ frames, nodes, seconds: (now - began) / 1000, height: document.documentElement.scrollHeight });
      return;
    }
    scrollBy(0, step);
    requestAnimationFrame(tick);
  });
})"""


@dataclass(frozen=True)
class Weight:
    """Bytes of a page without its pictures: as they were sent, headers included, and unpacked."""

    requests: int
    sent: dict[str, float]
    unpacked: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.sent.values())


def main() -> int:
    report = ground.Report("pages", "The pages' weight, and a gallery of 10,000 pictures")
    kept = {"RETENTION_DAYS": "0"}  # the sweep leaves them alone
    with ground.open_site_folder(**kept) as folder:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from benchmarks import people, pictures
        from gallery.models import Image
        from tests.site.running import site

        owner, photographer = people.make("owner"), people.make("photographer")
        mean = pictures.make(owner, PICTURES)
        heavy = pictures.make(photographer, 120, grain=GRAIN)
        first = Image.objects.filter(owner=owner).latest("created_at")
        pages = {"create": "/", "gallery": "/gallery/", "viewer": first.get_absolute_url()}
        pages |= {"queue": "/queue/", "account": "/accounts/"}
        with site(folder, "--no-worker", **ground.SITE | kept) as running:
            (session, queries), (other, _) = _signed_in(owner), _signed_in(photographer)
            report.say(
                f"`manage.py up --no-worker`, SQLite; {PICTURES:,} pictures of 512 to 896 pixels, {mean / KIB:.0f} KiB "
                f"a thumbnail of 512 pixels on average; Chromium without a window, drawing in software, on the same "
                f"cores, {WINDOW['width']} x {WINDOW['height']}."
            )
            with _browser() as browser:
                there = _There(browser, f"http://localhost:{running.port}", session)
                _weigh(report, there, pages)
                _load(report, there, queries)
                seconds, _shift = _slow_load(_There(browser, there.address, other))
                report.say(
                    f"With thumbnails of {heavy / KIB:.0f} KiB, as photographs have, the LCP is {seconds:.2f} s."
                )
                _scroll(report, there)
    return report.end()


def _signed_in(owner: Any) -> tuple[str, int]:
    """A session of the owner, and the queries that the gallery's first page takes."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": "localhost"})
    client.force_login(owner)
    with CaptureQueriesContext(connection) as queries:
        if client.get("/gallery/").status_code != 200:
            raise SystemExit("The gallery does not open.")
    connection.close()
    return client.cookies[settings.SESSION_COOKIE_NAME].value, len(queries)


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = find_chromium(playwright)
        if chromium is None:
            raise SystemExit("There is no Chromium: install it, or set CHROMIUM.")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class _There:
    browser: Browser
    address: str
    session: str

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A window of its own with an empty cache, signed in."""
        context = self.browser.new_context(viewport=WINDOW, base_url=self.address, locale="en-GB")
        context.add_cookies([{"name": "sessionid", "value": self.session, "url": self.address}])
        context.add_init_script(WATCH)
        try:
            yield context.new_page()
        finally:
            context.close()


def _weigh(report: ground.Report, there: _There, pages: dict[str, str]) -> None:
    weights = {name: _weight(there, path) for name, path in pages.items()}
    kinds = ("Document", "Stylesheet", "Script")
    rows = []
    for name, weight in weights.items():
        sent = [f"{weight.sent[kind] / KIB:.1f}" for kind in kinds]
        unpacked = f"{sum(weight.unpacked.values()) / KIB:.0f}"
        rows.append((name, weight.requests, *sent, f"{weight.total / KIB:.1f}", unpacked))
    report.say(ground.table(("page", "requests", "HTML", "CSS", "JS", "sent, KiB", "unpacked, KiB"), rows))
    heaviest = max(weight.total for weight in weights.values())
    report.judge(heaviest <= 120 * KIB, "no page weighs more than 120 KiB without its pictures, as it is sent.")


def _weight(there: _There, path: str) -> Weight:
    kinds: dict[str, str] = {}
    sent: dict[str, float] = defaultdict(float)
    unpacked: dict[str, float] = defaultdict(float)
    with there.page() as page:
        tools = page.context.new_cdp_session(page)
        tools.send("Network.enable")
        tools.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
        tools.on("Network.dataReceived", lambda event: _add(unpacked, event["requestId"], event["dataLength"]))
        tools.on("Network.loadingFinished", lambda event: _add(sent, event["requestId"], event["encodedDataLength"]))
        page.goto(path)
        page.wait_for_load_state("networkidle")
    wanted = [key for key, kind in kinds.items() if kind in {"Document", "Stylesheet", "Script"}]
    by_kind: tuple[dict[str, float], dict[str, float]] = (defaultdict(float), defaultdict(float))
    for key in wanted:
        by_kind[0][kinds[key]] += sent[key]
        by_kind[1][kinds[key]] += unpacked[key]
    return Weight(len(wanted), *by_kind)


def _add(sums: dict[str, float], key: str, by: float) -> None:
    sums[key] += by


def _load(report: ground.Report, there: _There, queries: int) -> None:
    loads = [_slow_load(there) for _ in range(LOADS)]
    lcp = ground.median([seconds for seconds, _ in loads])
    cls = max(shift for _, shift in loads)
    report.say(
        f"The gallery's first page on a slow network ({DOWN / 1e6:g} Mbit/s down, {UP / 1e6:g} up, {LATENCY} ms a "
        f"request, the processor not slowed), with an empty cache, {LOADS} times:"
    )
    times = ", ".join(f"{seconds:.2f}" for seconds, _ in loads)
    rows = [
        ("largest contentful paint, median, s", f"{lcp:.2f} (of {times})", "1.5"),
        ("layout shift, worst", f"{cls:.3f}", "0.05"),
        ("queries", queries, "12"),
    ]
    report.say(ground.table(("first page", "measured", "limit"), rows))
    report.judge(lcp <= 1.5 and cls < 0.05 and queries <= 12, "LCP at most 1.5 s, CLS under 0.05, at most 12 queries.")


def _slow_load(there: _There) -> tuple[float, float]:
    """Seconds until the largest thing was painted, and how far the page shifted."""
    with there.page() as page:
        tools = page.context.new_cdp_session(page)
        tools.send("Network.enable")
        speed = {"latency": LATENCY, "downloadThroughput": DOWN / 8, "uploadThroughput": UP / 8, "offline": False}
        tools.send("Network.emulateNetworkConditions", speed)
        page.goto("/gallery/")
        page.wait_for_function(SEEN)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return page.evaluate("window.lcp") / 1000, page.evaluate("window.cls")


def _scroll(report: ground.Report, there: _There) -> None:
    with there.page() as page:
        page.goto("/gallery/")
        page.wait_for_function(SEEN)
        page.set_default_timeout((MOST_SECONDS + 60) * 1000)
        found = page.evaluate(SCROLL, [STEP, MOST_SECONDS])
    frames = found["frames"][1:]
    slow = sum(frame > LONG for frame in frames) / len(frames)
    (cells, nodes), height = found["nodes"][-1], found["height"]
    report.say(
        f"Scrolled {STEP} pixels a frame through {cells:,} pictures ({height:,} pixels) in {found['seconds']:.0f} s, "
        f"the network not slowed:"
    )
    report.say(ground.table(("scrolling", "all", "by quarter"), _frames(frames)))
    some = found["nodes"][:-1][:: max(1, len(found["nodes"]) // 4)]
    on_the_way = ", ".join(f"{number:,} at {shown:,} pictures" for shown, number in some)
    report.say(f"Elements in the page: {on_the_way}; {nodes:,} in the end.")
    report.judge(cells >= PICTURES and slow <= 0.05, f"all are reached; at most 5 % of the frames take over {LONG} ms.")


def _frames(frames: list[float]) -> Iterator[tuple[str, str, str]]:
    """The rows of a table about frames, in milliseconds."""
    size = len(frames) // 4 + 1
    quarters = [frames[start : start + size] for start in range(0, len(frames), size)]

    def row(name: str, figure: Callable[[list[float]], str]) -> tuple[str, str, str]:
        return name, figure(frames), ", ".join(map(figure, quarters))

    yield row("frames", lambda some: f"{len(some):,}")
    yield row("median, ms", lambda some: f"{ground.median(some):.0f}")
    yield row("95th percentile, ms", lambda some: f"{ground.p95(some):.0f}")
    yield row("longest, ms", lambda some: f"{max(some):.0f}")
    yield row(f"over {LONG} ms", lambda some: f"{100 * sum(each > LONG for each in some) / len(some):.1f} %")


if __name__ == "__main__":
    sys.exit(main())
