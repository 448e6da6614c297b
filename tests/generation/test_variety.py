"""Variation, guidance and negative prompt travel from the request to the engine, and only where they mean something."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from gallery.metadata.settings import PictureSettings
from generation.catalogue import Model
from generation.exceptions import InvalidParameters
from generation.fitting import fitted
from generation.models import Generation, Worker
from generation.reproduction import request_of
from tests.factories import make_image

URL = "/api/v1/generations"
WANTED = {"prompt": "a fox", "width": 64, "height": 64, "steps": 4}
GUIDED = Model(native_pixels=64 * 64, default_guidance=4.0)


@pytest.fixture
def guided_model(db: None) -> None:
    """A worker that has loaded a model which uses guidance."""
    card = {"name": "Z-Image", "default_guidance": 4.0}
    Worker.objects.create(name="w", state="ready", card=card, seen_at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_the_api_takes_them_to_the_engine(as_alice: Client) -> None:
    body = WANTED | {"variation": 0.4, "guidance": 3.0, "negative_prompt": " blurry "}
    (told,) = as_alice.post(URL, body, "application/json").json()["generations"]
    assert (told["variation"], told["guidance"], told["negative_prompt"]) == (0.4, 3.0, "blurry")
    request = request_of(Generation.objects.get(pk=told["id"]))
    assert (request.variation, request.guidance, request.negative_prompt) == (0.4, 3.0, "blurry")


@pytest.mark.parametrize(
    ("changes", "field", "limit"),
    [
        ({"variation": -0.1}, "variation", 0),
        ({"variation": 1.5}, "variation", 1),
        ({"variation": float("nan")}, "variation", 0),
        ({"negative_prompt": "x" * 2_001}, "negative_prompt", 2_000),
        ({"negative_prompt": "a\x00b"}, "negative_prompt", None),
    ],
)
def test_each_is_held_to_its_limit(alice: User, ask: Any, changes: dict[str, Any], field: str, limit: Any) -> None:
    with pytest.raises(InvalidParameters) as refused:
        ask(alice, guidance=2.0, **changes)
    assert [(error.field, error.limit) for error in refused.value.errors] == [(field, limit)]


def test_without_guidance_no_negative_prompt_is_claimed(alice: User, ask: Any) -> None:
    (row,) = ask(alice, negative_prompt="blurry")
    assert row.negative_prompt == ""


def test_the_form_shows_them_only_for_a_model_that_uses_them(as_alice: Client) -> None:
    page = as_alice.get("/").content.decode()
    assert 'name="variation"' in page
    assert 'name="guidance"' not in page
    assert 'name="negative_prompt"' not in page


def test_the_form_of_a_guided_model_asks_for_both(as_alice: Client, guided_model: None, alice: User) -> None:
    page = as_alice.get("/").content.decode()
    assert 'name="guidance"' in page
    assert 'value="4.0"' in page
    assert 'name="negative_prompt"' in page
    form = {"prompt": "a fox", "shape": "1:1", "guidance": "6.5", "negative_prompt": "blurry", "variation": "0.3"}
    assert as_alice.post("/", form).status_code == 302
    row = alice.generations.get()
    assert (row.guidance, row.negative_prompt, row.variation) == (6.5, "blurry", 0.3)


def test_a_picture_gives_them_back(as_alice: Client, alice: User) -> None:
    image = make_image(alice, guidance=2.0, record={"negative_prompt": "blurry", "variation": 0.4})
    reuse = as_alice.get(f"/?reuse={image.pk}").context["bootstrap"]["reuse"]
    assert (reuse["guidance"], reuse["negative_prompt"], reuse["variation"]) == (2.0, "blurry", 0.4)


def test_settings_of_a_file_keep_the_negative_prompt_where_the_model_uses_one() -> None:
    found = PictureSettings(
        source="ComfyUI", prompt="a {b|c}", negative_prompt="blurry", width=64, height=64, steps=8, seed=1,
        guidance=6.0, style="", variation=None,
    )  # fmt: skip
    kept = fitted(found, GUIDED)
    assert (kept["negative_prompt"], kept["guidance"], kept["notes"]) == ("blurry", 6.0, [])
    assert kept["prompt"] == r"a \{b\|c\}"
    dropped = fitted(found, Model(native_pixels=64 * 64))
    assert (dropped["negative_prompt"], dropped["guidance"], len(dropped["notes"])) == ("", 0.0, 2)
