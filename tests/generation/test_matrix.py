"""One prompt with alternatives in braces becomes one picture for each combination."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generation import matrix, quotas
from generation.exceptions import InvalidParameters
from generation.models import Batch, Generation

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "matrix_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["template"]))
def test_a_template_stands_for_its_prompts(case: dict[str, Any]) -> None:
    assert matrix.expand(case["template"]) == case["prompts"]
    assert matrix.combinations(case["template"]) == len(case["prompts"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["template"]))
def test_each_prompt_can_be_written_as_a_template_of_its_own(case: dict[str, Any]) -> None:
    for prompt in case["prompts"]:
        assert matrix.expand(matrix.escaped(prompt)) == [prompt]


def test_neither_counting_nor_escaping_writes_them_out() -> None:
    many = "{a|b}" * 400
    assert matrix.combinations(many) == 2**400
    assert matrix.expand(matrix.escaped(many)) == [many]


def test_each_row_has_its_prompt_and_the_batch_what_was_typed(alice: User, ask: Any) -> None:
    rows = ask(alice, 2, prompt="{red|blue} {fox|owl}", seed=5)
    stored = list(Generation.objects.order_by("pk").values_list("prompt", "seed"))
    assert stored == [
        (f"{colour} {animal}", seed) for colour in ("red", "blue") for animal in ("fox", "owl") for seed in (5, 6)
    ]
    assert rows[0].batch.prompt_template == "{red|blue} {fox|owl}"
    assert quotas.usage(alice).day.used == 8


def test_a_prompt_without_alternatives_needs_no_template(alice: User, ask: Any) -> None:
    ask(alice, prompt="a {fox}")
    assert Batch.objects.get().prompt_template == ""
    ask(alice, prompt=r"\{a|b\}")
    assert [batch.prompt_template for batch in Batch.objects.order_by("created_at")] == ["", r"\{a|b\}"]


@pytest.mark.parametrize(("prompt", "count", "number"), [("{a|b|c} {d|e}", 2, "12"), ("{a|b}" * 300, 1, "2037035976")])
def test_too_many_pictures_name_the_limit_and_the_number(
    alice: User, ask: Any, prompt: str, count: int, number: str
) -> None:
    with pytest.raises(InvalidParameters) as refused:
        ask(alice, count, prompt=prompt)
    (error,) = refused.value.errors
    assert (error.field, error.limit) == ("prompt", 10)
    assert number in str(error.message) or "more than a million" in str(error.message)
    assert not Batch.objects.exists()


def test_an_empty_combination_is_an_empty_prompt(alice: User, ask: Any) -> None:
    with pytest.raises(InvalidParameters) as refused:
        ask(alice, prompt="{|a}")
    assert [error.field for error in refused.value.errors] == ["prompt"]


def test_the_api_gives_the_template_back(as_alice: Client, transactional_db: None) -> None:
    body = {"prompt": "{red|blue} fox", "width": 64, "height": 64, "steps": 4}
    answer = as_alice.post("/api/v1/generations", body, "application/json")
    assert answer.status_code == 201
    told = [(row["prompt"], row["prompt_template"]) for row in answer.json()["generations"]]
    assert told == [("red fox", "{red|blue} fox"), ("blue fox", "{red|blue} fox")]
    listed = as_alice.get("/api/v1/generations").json()["items"]
    assert {row["prompt_template"] for row in listed} == {"{red|blue} fox"}
