"""What a person is given is what the plain pipeline draws: nothing between row and stored PNG changes the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import ZImagePipeline
from django.conf import settings
from django.contrib.auth.models import User
from PIL import Image as PillowImage

from generation.engine.engine import load
from generation.engine.types import EngineOptions
from generation.jobs import Studio
from generation.models import Generation

pytestmark = pytest.mark.django_db(transaction=True)

PROMPTS = ["fog", "红色的狐狸 in the snow 🦊", "a lighthouse at night, waves breaking on the rocks below it"]


def test_the_stored_pictures_are_those_of_the_plain_pipeline(alice: User, ask: Callable[..., list[Generation]]) -> None:
    starter = Path(settings.STARTER_MODEL_DIR)
    engine = load(EngineOptions(model="auto", device="cpu", starter_dir=starter, max_batch=3))
    rows = [ask(alice, prompt=prompt, width=224, height=160, steps=7, seed=5)[0] for prompt in PROMPTS]
    studio = Studio(engine=engine, worker="w")
    assert studio.draw_next_batch() == 3, "they are drawn together"
    studio.close()

    pipeline: Any = ZImagePipeline.from_pretrained(starter, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    for row, prompt in zip(rows, PROMPTS, strict=True):
        [plain] = pipeline(
            prompt,
            width=224,
            height=160,
            num_inference_steps=7,
            guidance_scale=0.0,
            generator=torch.Generator("cpu").manual_seed(5),
        ).images
        image = Generation.objects.select_related("image").get(pk=row.pk).image
        assert image is not None
        assert image.file.name.endswith(".png")
        with image.file.open() as file, PillowImage.open(file) as stored:
            difference = np.abs(np.asarray(stored.convert("RGB")).astype(int) - np.asarray(plain).astype(int))
        assert difference.max() <= 1
