"""The starter model that ships, and one engine on it, loaded once; and a model with random weights."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ZImageTransformer2DModel
from PIL import Image
from transformers import Qwen3Model

from generation.engine.engine import PipelineEngine, load
from generation.engine.exceptions import EngineError
from generation.engine.types import DrawRequest, EngineOptions

Draw = Callable[..., Image.Image]


@pytest.fixture(scope="session")
def starter() -> Path:
    return Path(__file__).parents[2] / "starter_model" / "weights"


@pytest.fixture(scope="session")
def engine(starter: Path) -> PipelineEngine:
    loaded = load(EngineOptions(model=str(starter), starter_dir=starter, max_batch=4))
    assert isinstance(loaded, PipelineEngine)
    return loaded


@pytest.fixture(scope="session")
def roomy(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineEngine:
    """The starter without the limits it was trained within: what it then draws is no picture, but it draws it."""
    limits = {"max_side": 2048, "max_pixels": 2048 * 2048, "max_prompt_tokens": 4096}
    return load_engine(described(starter, tmp_path_factory.mktemp("models") / "roomy", **limits))


@pytest.fixture(scope="session")
def random_model(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with another transformer and text encoder: random, and of widths that GGUF's blocks of 32 divide."""
    folder = Path(shutil.copytree(starter, tmp_path_factory.mktemp("models") / "random"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        encoder = Qwen3Model(Qwen3Model.from_pretrained(folder / "text_encoder").config)
        transformer = ZImageTransformer2DModel(
            in_channels=16,
            dim=96,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=4,
            n_kv_heads=4,
            cap_feat_dim=encoder.config.hidden_size,
            axes_dims=[8, 8, 8],
            axes_lens=[1536, 512, 512],
        )
    encoder.save_pretrained(folder / "text_encoder")
    transformer.save_pretrained(folder / "transformer")
    return folder


def described(model: Path, folder: Path, **said: object) -> Path:
    """A copy of `model`, in the new `folder`, whose description says this of it."""
    shutil.copytree(model, folder)
    description = folder / "zimageweb.json"
    description.write_text(json.dumps(json.loads(description.read_text()) | said))
    return folder


def needs(package: str) -> None:
    """Skip the test without that optional package, which requirements-dev.txt lists: with CI set it has to be there."""
    if not os.environ.get("CI") and not find_spec(package):
        pytest.skip(f"{package} is not installed")


def load_engine(model: Path, **options: str) -> PipelineEngine:
    loaded = load(EngineOptions(model=str(model), starter_dir=model, **options))  # type: ignore[arg-type]
    assert isinstance(loaded, PipelineEngine)
    return loaded


def refusal(kind: type[EngineError], model: str | Path, starter: Path, **options: str) -> str:
    """The one sentence with which loading is refused."""
    with pytest.raises(EngineError) as caught:
        load(EngineOptions(model=str(model), starter_dir=starter, **options))  # type: ignore[arg-type]
    assert type(caught.value) is kind
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def ask(prompt: str = "a red fox in snow", seed: int = 7, **changes: int | float) -> DrawRequest:
    fields = {"width": 128, "height": 128, "steps": 4} | changes
    return DrawRequest(prompt=prompt, seed=seed, **fields)  # type: ignore[arg-type]


def draw_all(engine: PipelineEngine, requests: Sequence[DrawRequest]) -> list[Image.Image]:
    pictures = engine.draw(requests, lambda _report: ())
    assert None not in pictures
    return pictures  # type: ignore[return-value]


def draw(engine: PipelineEngine, request: DrawRequest) -> Image.Image:
    return draw_all(engine, [request])[0]


def largest_difference(one: Image.Image, other: Image.Image) -> int:
    """In levels of 255."""
    return int(np.abs(np.asarray(one).astype(int) - np.asarray(other).astype(int)).max())


def likeness(one: Image.Image, other: Image.Image) -> float:
    """Correlation of the pixels: 1 for the same picture."""
    return float(np.corrcoef(np.asarray(one).ravel(), np.asarray(other).ravel())[0, 1])
