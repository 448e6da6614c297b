"""The engine draws what `ZImagePipeline.__call__` draws, and together what it draws alone.

The plain pipeline is loaded from the same folder and has nothing of ours: no cache of prompts, no latents of our own,
no callback, no tiles.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ZImagePipeline
from PIL import Image

from generation.engine.engine import PipelineEngine
from generation.engine.types import DrawRequest

from .conftest import draw, draw_all, largest_difference

PROMPTS = [
    "fog",
    "a red fox in snow",
    "violet dusk over still water, a lighthouse on the rocks and one small boat coming home before the storm",
    "一只猫坐在窗台上，窗外下着雪",
    "山",
    "🦊❄️ 👩‍🚀 on the moon",
    "红色的狐狸 in a green forest 🌲",
    "",
    "wind over the sea " * 20,
    "春江潮水连海平，海上明月共潮生。" * 6,
]


def parameter_sets(count: int, seed: int) -> Iterator[DrawRequest]:
    """The same ones every time. Every prompt comes up, and every second set is guided."""
    chance = random.Random(seed)
    for number in range(count):
        yield DrawRequest(
            prompt=PROMPTS[number % len(PROMPTS)],
            width=32 * chance.randint(4, 12),
            height=32 * chance.randint(4, 12),
            steps=chance.randint(1, 12),
            seed=chance.choice([0, 2**63 - 1, chance.getrandbits(32), chance.getrandbits(62)]),
            guidance=round(chance.uniform(0.5, 7.0), 1) if number % 2 else 0.0,
        )


@pytest.fixture(scope="module")
def plain(starter: Path) -> Any:
    # Unasked, transformers would load the text encoder in the half precision in which it is stored.
    pipeline: Any = ZImagePipeline.from_pretrained(starter, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw_plainly(pipeline: Any, request: DrawRequest) -> Image.Image:
    drawn: Image.Image = pipeline(
        prompt=request.prompt,
        width=request.width,
        height=request.height,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance,
        generator=torch.Generator("cpu").manual_seed(request.seed),
    ).images[0]
    return drawn


@pytest.mark.parametrize(
    "request_", list(parameter_sets(20, seed=20)), ids=lambda r: f"{r.width}x{r.height}-{r.guidance}"
)
def test_it_draws_what_the_plain_pipeline_draws(engine: PipelineEngine, plain: Any, request_: DrawRequest) -> None:
    assert largest_difference(draw(engine, request_), draw_plainly(plain, request_)) <= 1


@pytest.mark.parametrize("guidance", [0.0, 4.0])
def test_together_is_as_alone(engine: PipelineEngine, plain: Any, guidance: float) -> None:
    """Prompts of unequal length, the empty one among them, with one that is far longer than the others."""
    chosen = [PROMPTS[place] for place in (7, 4, 8, 5)]
    assert engine.card.max_batch >= len(chosen)
    requests = [DrawRequest(prompt, 160, 128, 6, seed, guidance) for seed, prompt in enumerate(chosen)]
    for picture, request in zip(draw_all(engine, requests), requests, strict=True):
        assert largest_difference(picture, draw(engine, request)) <= 1
        assert largest_difference(picture, draw_plainly(plain, request)) <= 1
