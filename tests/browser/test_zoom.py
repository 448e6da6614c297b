"""The viewer's picture enlarged: by mouse, wheel, keys, a button and fingers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, FloatRect, Page, expect

from tests.browser.test_viewer import arrived_at, enlarge, foxes, phone_viewer, picture, viewer

__all__ = ["foxes", "phone_viewer", "viewer"]  # fixtures

DRAWN = """(image) => {
    const { x, y, width, height } = image.getBoundingClientRect();
    const scale = Math.min(width / image.naturalWidth, height / image.naturalHeight);
    const [across, down] = [image.naturalWidth * scale, image.naturalHeight * scale];
    return { x: x + (width - across) / 2, y: y + (height - down) / 2, width: across, height: down };
}"""


def box(page: Page) -> FloatRect:
    """Where the picture itself is, without the room that its element leaves beside it."""
    found: FloatRect = picture(page).evaluate(DRAWN)
    return found


def test_a_click_enlarges_there_dragging_moves_and_a_click_ends_it(viewer: Page, axe: Callable[[Page], None]) -> None:
    page, whole = viewer, box(viewer)
    x, y = whole["x"] + whole["width"] * 0.75, whole["y"] + whole["height"] * 0.25
    page.mouse.click(x, y)
    expect(enlarge(page)).to_have_attribute("aria-pressed", "true")
    large = box(page)
    assert (large["width"], large["height"]) == pytest.approx((1600, 1200), abs=1)  # a pixel is a pixel
    assert (x - large["x"]) / 1600 == pytest.approx(0.75, abs=0.01)
    assert (y - large["y"]) / 1200 == pytest.approx(0.25, abs=0.01)
    axe(page)

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 50, y - 70, steps=3)
    page.mouse.up()
    moved = box(page)
    assert (moved["x"] - large["x"], moved["y"] - large["y"]) == pytest.approx((-50, -70), abs=1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 3000, y, steps=3)
    page.mouse.up()
    stage = page.locator("[data-stage]").bounding_box()
    assert stage
    assert box(page)["x"] == pytest.approx(stage["x"], abs=1)  # no further than its edge

    page.mouse.click(x, y)
    expect(enlarge(page)).to_have_attribute("aria-pressed", "false")
    assert box(page) == whole


def test_wheel_keys_and_a_button_enlarge_as_well(viewer: Page) -> None:
    page, whole = viewer, box(viewer)
    page.mouse.move(whole["x"] + 200, whole["y"] + 200)
    page.mouse.wheel(0, -100)
    expect(enlarge(page)).to_have_attribute("aria-pressed", "true")
    assert box(page)["width"] > whole["width"]
    page.keyboard.press("0")
    expect(enlarge(page)).to_have_attribute("aria-pressed", "false")

    page.keyboard.press("+")
    page.keyboard.press("+")
    assert box(page)["width"] == pytest.approx(whole["width"] * 2.25, abs=2)
    page.keyboard.press("-")
    assert box(page)["width"] == pytest.approx(whole["width"] * 1.5, abs=2)
    before = box(page)
    page.keyboard.press("ArrowRight")  # moves on within the picture, not to the next
    assert box(page)["x"] < before["x"]
    page.keyboard.press("Escape")
    assert box(page) == whole
    expect(picture(page)).to_have_attribute("alt", "fox 0")

    enlarge(page).press("Enter")
    expect(enlarge(page)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#announcer")).to_contain_text("Enlarged to 100%.")
    page.keyboard.press("0")
    expect(page.locator("#announcer")).to_contain_text("The whole picture is shown.")
    page.keyboard.press("ArrowRight")
    arrived_at(page, 1)
    size = box(page)["width"]
    enlarge(page).click()  # one that is smaller than the stage
    assert box(page)["width"] == pytest.approx(2 * size, abs=1)


class Fingers:
    """On a touch screen; `fingers(type, (x, y), …)` says what is down from then on."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session

    def __call__(self, kind: str, *points: tuple[float, float]) -> None:
        down = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": down})

    def draw(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self("touchStart", start)
        self("touchMove", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        self("touchMove", end)
        self("touchEnd")


@pytest.fixture
def fingers(phone_viewer: Page) -> Fingers:
    return Fingers(phone_viewer.context.new_cdp_session(phone_viewer))


def test_fingers_enlarge_move_and_go_on(phone_viewer: Page, fingers: Fingers) -> None:
    page, whole = phone_viewer, box(phone_viewer)
    y = whole["y"] + whole["height"] / 2
    fingers("touchStart", (150, y))
    fingers("touchStart", (150, y), (240, y))
    fingers("touchMove", (105, y), (285, y))
    fingers("touchEnd", (105, y))
    fingers("touchEnd")
    expect(enlarge(page)).to_have_attribute("aria-pressed", "true")
    large = box(page)
    assert large["width"] == pytest.approx(2 * whole["width"], rel=0.05)

    fingers.draw((300, y), (100, y))  # what would be a swipe moves it
    assert box(page)["x"] < large["x"] - 100
    expect(picture(page)).to_have_attribute("alt", "fox 0")
    for _ in range(2):
        fingers("touchStart", (200, y))
        fingers("touchEnd")
    expect(enlarge(page)).to_have_attribute("aria-pressed", "false")
    assert box(page) == whole

    fingers.draw((300, y), (100, y))
    arrived_at(page, 1)
    fingers.draw((100, y), (300, y))
    arrived_at(page, 0)
