"""Redrawing a part: a picture of one's own as start, painted over, asked, drawn by a real worker, and used again."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.site.running import until

Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def composer(signed_in: Page) -> Page:
    """The create page, its scripts at work."""
    expect(signed_in.locator("[data-summary]")).to_have_text(re.compile("·"))
    return signed_in


def ask(page: Page, prompt: str, seed: int) -> dict[str, Any]:
    """One picture, from the button to the file; the generation as the API shows it."""
    page.get_by_label("Describe your picture").fill(prompt)
    page.locator("[name=count][value='1']").check()
    page.locator("details.fold > summary").first.click()
    page.locator("#seed").fill(str(seed))
    page.locator("details.fold > summary").first.click()
    with page.expect_response("**/api/v1/generations") as answer:
        page.get_by_role("button", name=re.compile("^Generate")).click()
    assert answer.value.status == 201, answer.value.text()
    row = answer.value.json()["generations"][0]

    def finished() -> Any:
        now = page.request.get(f"/api/v1/generations/{row['id']}").json()
        assert now["state"] not in {"failed", "cancelled"}, now
        return now if now["image"] else None

    return dict(until(finished, seconds=60, what="the picture"))


def pixels(page: Page, address: str, mode: str = "RGB") -> Pixels:
    return np.asarray(PIL.Image.open(io.BytesIO(page.request.get(address).body())).convert(mode))


def start_from(page: Page, image: dict[str, Any]) -> Locator:
    """From the picture's own page to the create page; the picture to start from, as it is shown there."""
    page.goto(image["url"])
    page.get_by_role("link", name="Use as start").click()
    shown = page.locator("[data-start-picture]")
    expect(shown).to_be_visible()
    expect(shown).to_have_attribute("src", re.compile(image["id"]))
    return shown


def drag(page: Page, *points: tuple[float, float]) -> None:
    """Over the painting, in shares of its sides."""
    canvas = page.locator("[data-paint-canvas]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    (first, *rest) = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*first)
    page.mouse.down()
    for point in rest:
        page.mouse.move(*point, steps=5)
    page.mouse.up()


def share(page: Page) -> int:
    expect(page.locator("[data-paint-share]")).to_contain_text("%")
    told = page.locator("[data-paint-share]").text_content() or ""
    (number,) = re.findall(r"(\d+)%", told)
    return int(number)


def test_a_painted_part_is_redrawn_and_the_rest_stays(composer: Page, axe: Callable[[Page], None]) -> None:
    page = composer
    before = ask(page, "violet dusk over still water", 1)["image"]
    start_from(page, before)
    opener = page.get_by_role("button", name="Paint what to redraw")
    dialog, badge = page.get_by_role("dialog", name="Paint what to redraw"), page.get_by_text("Mask is set")

    opener.press("Enter")
    expect(dialog).to_be_visible()
    assert share(page) == 0
    drag(page, (0.3, 0.2), (0.3, 0.8))
    painted = share(page)
    assert 4 <= painted <= 10  # a tenth wide, six tenths long, and round ends
    axe(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    expect(badge).to_be_hidden()

    opener.click()
    assert share(page) == 0, "what was left with Escape is forgotten"
    drag(page, (0.3, 0.2), (0.3, 0.8))
    dialog.get_by_role("radio", name="Erase").check()
    drag(page, (0.3, 0.2), (0.3, 0.5))
    assert 1 <= share(page) < painted
    dialog.get_by_role("button", name="Undo").click()
    assert share(page) == painted
    dialog.get_by_role("button", name="Clear").click()
    assert share(page) == 0
    dialog.get_by_role("button", name="Undo").click()
    dialog.get_by_role("radio", name="Paint").check()
    dialog.get_by_label("Brush size").fill("20")
    drag(page, (0.2, 0.1), (0.4, 0.5), (0.2, 0.9))
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    expect(badge).to_be_visible()
    axe(page)

    page.get_by_label("Strength").fill("1")
    after = ask(page, "warm sand and a pale green sky", 2)
    assert (after["init_image"], after["strength"]) == (f"image:{before['id']}", 1)
    mask = pixels(page, f"/api/v1/inputs/{after['mask']}/file", "L")
    assert mask.shape == (before["height"], before["width"])
    assert mask[mask.shape[0] // 2, mask.shape[1] // 3] == 255
    old, new = pixels(page, before["file"]), pixels(page, after["image"]["file"])
    assert (new[mask == 0] == old[mask == 0]).all()
    assert np.abs(new[mask == 255].astype(int) - old[mask == 255]).mean() > 5

    page.get_by_role("button", name="Remove the mask").click()
    expect(badge).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_keyboard_alone_masks_a_rectangle_and_settings_bring_it_back(composer: Page) -> None:
    page = composer
    before = ask(page, "deep sea, one red lantern", 3)["image"]
    side = before["width"]
    start_from(page, before)
    page.get_by_role("button", name="Paint what to redraw").press("Enter")
    for label, value in (("From the left", side // 4), ("From the top", 0), ("Width", side // 2), ("Height", 9999)):
        page.get_by_role("dialog").get_by_label(label, exact=True).fill(str(value))
    page.keyboard.press("Enter")
    assert share(page) == 0, "higher than the picture"
    page.get_by_role("dialog").get_by_label("Height", exact=True).fill(str(side))
    page.keyboard.press("Enter")
    assert share(page) == 50
    page.keyboard.press("Control+Enter")  # asks for nothing from within
    page.get_by_role("button", name="Done").press("Enter")
    expect(page.get_by_text("Mask is set")).to_be_visible()
    page.get_by_label("Strength").fill("0.8")
    after = ask(page, "autumn forest seen through fog", 4)
    old, new = pixels(page, before["file"]), pixels(page, after["image"]["file"])
    middle = slice(side // 4, side // 4 + side // 2)
    assert (np.delete(new, middle, axis=1) == np.delete(old, middle, axis=1)).all()
    assert (new[:, middle] != old[:, middle]).any()

    page.goto(after["image"]["url"])
    page.get_by_role("link", name="Reuse these settings").click()
    expect(page.locator("[data-start-picture]")).to_have_attribute("src", re.compile(before["id"]))
    expect(page.get_by_label("Strength")).to_have_value("0.8")
    expect(page.get_by_text("Mask is set")).to_be_visible()
    page.get_by_role("button", name="Paint what to redraw").click()
    expect(page.locator("[data-paint-share]")).to_contain_text("50%")  # the mask has come, and can be painted on
    page.keyboard.press("Escape")
    again = ask(page, "autumn forest seen through fog", 4)
    assert (pixels(page, again["image"]["file"]) == new).all()

    start_from(page, after["image"])
    expect(page.get_by_text("Mask is set")).to_be_hidden()
    lost = page.locator(".toast").filter(has_text="What you had painted was replaced.")
    lost.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-start-picture]")).to_have_attribute("src", re.compile(before["id"]))
    expect(page.get_by_text("Mask is set")).to_be_visible()


def test_a_finger_paints_too(phone: BrowserContext, member: tuple[str, str], watch: Callable[[Page], Page]) -> None:
    page = watch(phone.new_page())
    sign_in(page, member)
    expect(page.locator("[data-summary]")).to_have_text(re.compile("·"))  # its scripts are at work
    page.locator("[data-open-sheet]").click()
    picture = io.BytesIO()
    PIL.Image.new("RGB", (300, 200), "#357").save(picture, "PNG")
    file = {"name": "sea.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    page.locator("[data-start-file]").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Paint what to redraw").tap()
    canvas = page.locator("[data-paint-canvas]")
    canvas.tap()
    assert share(page) >= 1
    box = canvas.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(1.5, abs=0.02)
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.get_by_role("button", name="Done").tap()
    expect(page.get_by_text("Mask is set")).to_be_visible()
