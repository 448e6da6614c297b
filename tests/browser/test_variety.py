"""Fine-tuning offers variation; it is asked for and given back."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect


def test_variation_is_set_by_keyboard_sent_and_reused(signed_in: Page, axe: Callable[[Page], None]) -> None:
    page = signed_in
    page.get_by_label("Describe your picture").fill("red fox")
    page.get_by_role("radio", name="1", exact=True).check()
    page.locator("summary", has_text="Fine-tuning").click()
    slider = page.get_by_role("slider", name="Variation")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator("output[for=variation]")).to_have_text("0.3")
    expect(page.locator("[data-fine]")).to_contain_text("variation 0.3")
    expect(page.get_by_label("Negative prompt")).to_have_count(0)  # the starter model uses none
    axe(page)
    with page.expect_response("**/api/v1/generations") as answer:
        page.get_by_role("button", name=re.compile("^Generate")).click()
    assert answer.value.json()["generations"][0]["variation"] == 0.3
    slider.fill("0")
    page.locator(".job").first.get_by_role("button", name="Reuse settings").click(timeout=60_000)
    expect(slider).to_have_value("0.3")
