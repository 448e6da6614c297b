"""LoRAs are chosen with the keyboard, drawn with, kept over a reload, and come back with *Reuse settings*."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect


def open_fine_tuning(page: Page) -> None:
    expect(page.get_by_role("button", name=re.compile("^Generate"))).to_have_text(re.compile("4 pictures"))
    page.locator("summary", has_text="Fine-tuning").click()


def test_choosing_drawing_and_reusing(signed_in: Page, axe: Callable[[Page], None]) -> None:
    page = signed_in
    open_fine_tuning(page)
    field = page.get_by_role("group", name="LoRAs")
    field.get_by_label("LoRA to add").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    weight = field.get_by_label("Weight of ink")
    expect(weight).to_be_focused()
    expect(field.get_by_role("listitem")).to_contain_text("Listens to: ink wash, mist")
    weight.fill("3")
    page.get_by_label("Describe your picture").fill("a red fox")
    expect(page.locator("[data-fine]")).to_contain_text("1 LoRA")
    axe(page)
    weight.fill("0.75")

    # A reload keeps what was typed.
    page.reload()
    open_fine_tuning(page)
    expect(field.get_by_label("Weight of ink")).to_have_value("0.75")

    # The other one is all that is left to add; then there is nothing.
    expect(field.get_by_label("LoRA to add")).to_have_value("styles/oil")
    field.get_by_role("button", name="Add").click()
    expect(field.get_by_role("button", name="Add")).to_be_hidden()
    field.get_by_role("button", name="Remove styles/oil").click()
    expect(field.get_by_label("LoRA to add")).to_be_focused()

    with page.expect_response("**/api/v1/generations") as answer:
        page.get_by_role("button", name=re.compile("^Generate")).click()
    assert answer.value.json()["generations"][0]["loras"] == [{"name": "ink", "weight": 0.75}]

    field.get_by_role("button", name="Remove ink").click()
    expect(field.get_by_role("listitem")).to_have_count(0)
    job = page.locator(".job").first
    expect(job.get_by_role("link")).to_have_count(4)
    job.get_by_role("button", name="Reuse settings").click()
    expect(field.get_by_label("Weight of ink")).to_have_value("0.75")

    job.get_by_role("link").first.click()
    expect(page.get_by_text("ink × 0.75")).to_be_visible()


@pytest.mark.console_ok("422")
def test_a_weight_beyond_the_limit_is_told_at_its_field(signed_in: Page) -> None:
    page = signed_in
    open_fine_tuning(page)
    field = page.get_by_role("group", name="LoRAs")
    field.get_by_role("button", name="Add").click()
    field.get_by_label("Weight of ink").fill("3")
    page.get_by_label("Describe your picture").fill("a red fox")
    page.get_by_role("button", name=re.compile("^Generate")).click()
    expect(page.locator("#loras-error")).to_have_text("The weight of the LoRA ink must be between -2 and 2.")
    expect(field.get_by_label("Weight of ink")).to_have_attribute("aria-invalid", "true")
