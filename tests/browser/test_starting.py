"""A picture to start from: chosen with the keyboard, dropped, offered, removed; and hidden where the model cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_pictures_as_settings import drop, picture
from tests.site.shell import Shell

CHOOSE = "Start from a picture"


def set_flag(shell: Shell, value: bool) -> None:
    """What the worker's card says. It is written when the model is loaded, and not again."""
    shell(
        "from generation.models import Worker\n"
        f"for w in Worker.objects.all(): w.card['can_start_from_image'] = {value}; w.save(update_fields=['card'])"
    )


@pytest.fixture
def unable(shell: Shell) -> Iterator[None]:
    set_flag(shell, False)
    yield
    set_flag(shell, True)


def test_a_model_that_cannot_is_not_asked(unable: None, signed_in: Page) -> None:
    expect(signed_in.get_by_role("button", name=CHOOSE)).to_have_count(0)


@pytest.mark.console_ok("422")
def test_pictures_start_from_the_chosen_one(page: Page, member: tuple[str, str], axe: Callable[[Page], None]) -> None:
    page.on("filechooser", lambda chooser: None)
    sign_in(page, member)
    expect(page.get_by_role("button", name=re.compile("^Generate"))).to_have_text(re.compile("4 pictures"))
    page.get_by_role("button", name=CHOOSE).focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(picture("fox.png", {}))
    shown = page.get_by_role("img", name="The picture to start from")
    expect(shown).to_be_visible()
    expect(page.locator("[data-start-strength]")).to_have_text("60%")
    page.get_by_label("Strength").press("ArrowLeft")
    axe(page)

    page.get_by_label("Describe your picture").fill("a fox")
    with page.expect_response("**/api/v1/generations") as answer:
        page.get_by_role("button", name=re.compile("^Generate")).click()
    assert answer.value.status == 201
    row = answer.value.json()["generations"][0]
    assert (row["strength"], row["drawn_steps"]) == (0.55, 5)
    assert shown.get_attribute("src") == f"/api/v1/inputs/{row['init_image']}/file"

    page.get_by_role("button", name="Remove").click()
    expect(shown).to_be_hidden()
    expect(page.get_by_role("button", name=CHOOSE)).to_be_focused()
    # A picture without settings, dropped elsewhere, offers itself; one dropped onto the field is taken at once.
    assert not drop(page, "#prompt", picture("holiday.png", {}))
    page.get_by_role("button", name="Start from it").click()
    expect(shown).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    assert not drop(page, "[data-start-choose]", picture("holiday.png", {}))
    expect(shown).to_be_visible()
