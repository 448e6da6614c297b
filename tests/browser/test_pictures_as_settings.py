"""A picture file fills the composer: chosen with the keyboard, or dropped onto the page."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.factories import INFOTEXT, make_png

LABEL = "Reuse settings from a picture"


def picture(name: str, texts: dict[str, str]) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": make_png(texts)}


@pytest.fixture
def composer(signed_in: Page) -> Page:
    """The page with its scripts at work: the button says how many pictures only then."""
    # Playwright begins to intercept choosers with the first listener, and not at once: too late inside the test.
    signed_in.on("filechooser", lambda chooser: None)
    expect(signed_in.get_by_role("button", name=re.compile("^Generate"))).to_have_text(re.compile("4 pictures"))
    return signed_in


def drop(page: Page, onto: str, file: FilePayload) -> bool:
    """Drop a file as the desktop does. Answers whether the browser would then open it in place of the page."""
    content = base64.b64encode(file["buffer"]).decode("ascii")
    return page.locator(onto).evaluate(
        """(target, { name, type, content }) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], name, { type }));
          const send = (kind) => target.dispatchEvent(
            new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
          return [send('dragover'), send('drop')].some(Boolean);
        }""",
        {"name": file["name"], "type": file["mimeType"], "content": content},
    )


def test_another_tools_picture_fills_the_form(composer: Page, axe: Callable[[Page], None]) -> None:
    page = composer
    page.get_by_role("radio", name="Photo").check(force=True)
    page.get_by_role("button", name=LABEL).focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(picture("fox.png", {"parameters": INFOTEXT}))

    expect(page.get_by_label("Describe your picture")).to_have_value("a red fox, (snow:1.2),\nlow sun")
    expect(page.locator("#steps")).to_have_value("30")
    expect(page.locator("#seed")).to_have_value("9988776655")
    expect(page.get_by_role("radio", name="None")).to_be_checked()
    notes = page.locator("[data-notes]")
    expect(notes).to_contain_text("Settings taken from fox.png (AUTOMATIC1111).")
    expect(notes.get_by_role("listitem")).to_contain_text(["negative prompt", "guidance"])
    expect(page.locator("#announcer")).to_contain_text("Settings taken from fox.png")
    axe(page)

    # The settings can be drawn as they stand.
    with page.expect_response("**/api/v1/generations") as answer:
        page.get_by_role("button", name=re.compile("^Generate")).click()
    assert answer.value.status == 201
    assert answer.value.json()["generations"][0]["seed"] == 9988776655
    expect(notes).to_be_hidden()
    page.locator(".job").first.get_by_role("button", name="Cancel", exact=True).click()


@pytest.mark.console_ok("422")
def test_a_dropped_picture_is_read_and_never_opened(composer: Page) -> None:
    page = composer
    page.get_by_label("Describe your picture").fill("mine")
    for target in ("#prompt", "#jobs"):
        assert not drop(page, target, picture("holiday.png", {}))
        expect(page.get_by_text("does not tell how it was drawn").first).to_be_visible()
        expect(page.get_by_label("Describe your picture")).to_have_value("mine")
        page.locator("#toasts button").last.click()
    text = "dropped\nSteps: 5, Sampler: Euler, Seed: 7, Size: 64x64"
    assert not drop(page, "#prompt", picture("small.png", {"parameters": text}))
    expect(page.get_by_label("Describe your picture")).to_have_value("dropped")
    expect(page.locator("#seed")).to_have_value("7")
    expect(page.locator("#composer")).not_to_have_class(re.compile("is-drop"))
    page.locator("[data-notes]").get_by_role("button", name="Close").click()
    expect(page.locator("[data-notes]")).to_be_hidden()
    expect(page.get_by_role("button", name=LABEL)).to_be_focused()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Describe your picture")).to_have_value("mine")
    expect(page.locator("#seed")).to_have_value("")
