"""The weights that ship: small, whole, and they draw what is asked. The model card tells of the full evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ZImagePipeline
from safetensors import safe_open

from starter_model.drawing import draw as draw_scene
from starter_model.evaluate import WEIGHTS, draw, evaluate, load
from starter_model.scenes import sample_scene

PROMPTS = (WEIGHTS.parent / "samples.txt").read_text(encoding="utf-8").splitlines()
PARTS = {
    "scheduler": "FlowMatchEulerDiscreteScheduler",
    "text_encoder": "Qwen3Model",
    "tokenizer": "Qwen2Tokenizer",
    "transformer": "ZImageTransformer2DModel",
    "vae": "AutoencoderKL",
}


@pytest.fixture(scope="module")
def pipeline() -> ZImagePipeline:
    return load(WEIGHTS)


def test_they_are_small_and_whole() -> None:
    files = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 25_000_000
    index = json.loads((WEIGHTS / "model_index.json").read_text())
    assert index["_class_name"] == "ZImagePipeline"
    assert {name: index[name][1] for name in PARTS} == PARTS
    for path in WEIGHTS.rglob("*.safetensors"):
        assert formats(path) == {"F16"}


def formats(path: Path) -> set[str]:
    with safe_open(path, framework="pt") as weights:
        return {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118


def test_they_draw_what_is_asked_in_both_languages(pipeline: ZImagePipeline) -> None:
    for language, shares in evaluate(pipeline, count=24).items():
        assert shares["background"] >= 95, (language, shares)
        assert shares["colour"] >= 85, (language, shares)
        assert shares["shape"] >= 75, (language, shares)
        assert shares["position"] >= 75, (language, shares)
        assert shares["count"] >= 65, (language, shares)


@pytest.mark.parametrize("prompt", PROMPTS[20:30])
def test_what_they_do_not_know_becomes_a_scene_and_no_murk(pipeline: ZImagePipeline, prompt: str) -> None:
    pixels = draw(pipeline, prompt, (256, 256), seed=1).astype(float)
    assert pixels.std() > 5, "nearly one colour; a night is dark, but its sky and its ground differ"
    one, other = (draw(pipeline, prompt, (256, 256), seed=seed).astype(float) for seed in (2, 3))
    assert np.abs(one - other).mean() > 5, "each seed has a scene of its own"


def test_the_encoder_reads_what_the_decoder_draws(pipeline: ZImagePipeline) -> None:
    rng = np.random.default_rng(6)
    scenes = np.stack([draw_scene(rng, sample_scene(rng), 256, 256) for _ in range(8)])
    pictures = torch.from_numpy(scenes).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        again = pipeline.vae.decode(pipeline.vae.encode(pictures).latent_dist.mode()).sample.clamp(-1, 1)
    error = float((again - pictures).square().mean())
    assert 10 * np.log10(4 / error) >= 28, "decibels"
