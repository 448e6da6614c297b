"""The button tells the true number of pictures of a prompt with alternatives."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

FOLDER = Path(__file__).parent.parent / "generation"
CASES = json.loads((FOLDER / "matrix_cases.json").read_text("utf-8"))
TYPED = json.loads((FOLDER / "typed_cases.json").read_text("utf-8"))

_TYPE = """(field, text) => {
    field.value = text;
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
}"""


def test_the_browser_counts_like_the_server(signed_in: Page) -> None:
    button = signed_in.get_by_role("button", name=re.compile("^Generate"))
    expect(button).to_have_text(re.compile("4 pictures"))
    counted = signed_in.evaluate(
        """async (templates) => {
          const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
          const { combinations } = await import(loaded.find((name) => /\\/matrix\\b.*\\.js$/.test(name)));
          return templates.map(combinations);
        }""",
        [case["template"] for case in CASES],
    )
    assert counted == [len(case["prompts"]) for case in CASES]


def test_space_around_a_prompt_does_not_count(signed_in: Page) -> None:
    counter, prompt = signed_in.locator("[data-prompt-length]"), signed_in.get_by_label("Describe your picture")
    for case in TYPED:
        prompt.evaluate(_TYPE, case["typed"])
        expect(counter).to_have_text(re.compile(rf"^{len(case['counts'])} / "))


def test_all_combinations_are_asked_for_and_reused(signed_in: Page) -> None:
    page, prompt = signed_in, signed_in.get_by_label("Describe your picture")
    page.get_by_role("radio", name="1", exact=True).check()
    prompt.fill("{red|blue} {fox|owl}")
    button = page.get_by_role("button", name=re.compile("^Generate"))
    expect(button).to_have_text(re.compile("Generate 4 pictures"))
    with page.expect_response("**/api/v1/generations") as answer:
        button.click()
    assert [row["prompt"] for row in answer.value.json()["generations"]] == [
        "red fox",
        "red owl",
        "blue fox",
        "blue owl",
    ]
    prompt.fill("")
    page.locator(".job").first.get_by_role("button", name="Reuse settings").click(timeout=60_000)
    expect(prompt).to_have_value("{red|blue} {fox|owl}")
    expect(page.get_by_role("radio", name="1", exact=True)).to_be_checked()
