"""Space around a text does not count, for the server as for the counter in the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generation import typed
from generation.catalogue import MAX_PROMPT_LENGTH
from generation.models import Generation

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "typed_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["typed"]))
def test_only_what_is_between_counts(case: dict[str, Any]) -> None:
    assert typed.cleaned(case["typed"]) == case["counts"]


def test_a_prompt_of_the_full_length_is_taken_with_space_around_it(alice: User, ask: Any) -> None:
    (row,) = ask(alice, prompt=" \ufeff" + "x" * MAX_PROMPT_LENGTH + "\u3000\n ")
    assert row.prompt == "x" * MAX_PROMPT_LENGTH


def test_a_form_counts_a_line_as_a_script_does(as_alice: Client, alice: User) -> None:
    """Browsers send the end of a line as two characters in a form."""
    lines = "x\r\n" * (MAX_PROMPT_LENGTH // 2)
    answer = as_alice.post("/", {"prompt": lines, "shape": "1:1", "count": 1, "steps": 4})
    assert answer.status_code == 302
    assert Generation.objects.get().prompt == ("x\n" * (MAX_PROMPT_LENGTH // 2)).strip()


def test_the_page_without_scripts_counts_the_same(as_alice: Client, alice: User) -> None:
    answer = as_alice.post("/", {"prompt": " a\r\nfox ", "shape": "1:1", "count": 99, "steps": 4})
    assert answer.status_code == 422
    assert f"5 / {MAX_PROMPT_LENGTH}</span>" in answer.content.decode()
