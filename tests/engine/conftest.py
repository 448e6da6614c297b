"""One starter model, built once, and one engine on it, loaded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generation.engine.engine import PipelineEngine, load
from generation.engine.starter import ensure_starter
from generation.engine.types import DrawRequest, EngineOptions

Draw = Callable[..., Image.Image]


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_starter(tmp_path_factory.mktemp("models") / "starter")


@pytest.fixture(scope="session")
def engine(starter: Path) -> PipelineEngine:
    loaded = load(EngineOptions(model=str(starter), starter_dir=starter, max_batch=4))
    assert isinstance(loaded, PipelineEngine)
    return loaded


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
