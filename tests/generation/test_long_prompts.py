"""A prompt longer than the model reads: the limit is published, and the picture says how much of it was read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from gallery.models import Image
from generation.engine.engine import load
from generation.engine.types import EngineOptions
from generation.jobs import Studio
from generation.models import Generation, Worker

Ask = Callable[..., list[Generation]]
LONG = ", ".join(f"{number} red circles on a blue ground" for number in range(50))


@pytest.mark.django_db(transaction=True)
def test_what_the_model_did_not_read_is_said_beside_the_picture(as_alice: Client, alice: User, ask: Ask) -> None:
    (long,), (short,) = ask(alice, prompt=LONG), ask(alice, prompt="a red circle")
    engine = load(EngineOptions(model="auto", device="cpu", starter_dir=Path(settings.STARTER_MODEL_DIR)))
    studio = Studio(engine=engine, worker="w")
    while studio.draw_next_batch():
        pass
    studio.close()

    Worker.objects.create(name="w", state="idle", card=engine.card.as_dict(), seen_at=timezone.now())
    (model,) = as_alice.get("/api/v1/models").json()["models"]
    limit = model["max_prompt_tokens"]
    assert limit == 256

    told = as_alice.get(f"/api/v1/generations/{long.pk}").json()["image"]
    assert told["prompt_cut"]["read"] == limit
    assert told["prompt_cut"]["of"] > limit
    record = Image.objects.get(pk=told["id"]).record
    assert (record["prompt_tokens_read"], record["prompt_tokens"]) == (limit, told["prompt_cut"]["of"])
    sentence = f"The model read only the first {limit} tokens of {told['prompt_cut']['of']}."
    assert sentence in as_alice.get(told["url"]).content.decode()

    whole = as_alice.get(f"/api/v1/generations/{short.pk}").json()["image"]
    assert whole["prompt_cut"] is None
    assert "The model read only" not in as_alice.get(whole["url"]).content.decode()
