"""A picture that does not fit alone is tried once more in less memory; the next is drawn as if nothing had been."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch

from generation.engine import frugal
from generation.engine.admission import Admission
from generation.engine.engine import PipelineEngine
from generation.engine.exceptions import DeviceLost, OutOfMemory
from generation.engine.plan import Plan

from .conftest import ask, draw, draw_all, largest_difference

PLAN = Plan("float32", "none", "none", 2 << 20, "")
LARGE = {"width": 640, "height": 576, "steps": 2}


def forget(engine: PipelineEngine) -> None:
    """What has been seen not to fit is remembered for minutes."""
    engine._admission = Admission(engine.card.max_batch, torch.device("cpu"))


@pytest.fixture
def engine(roomy: PipelineEngine) -> Iterator[PipelineEngine]:
    yield roomy
    forget(roomy)


@contextmanager
def decoding_at_most(engine: PipelineEngine, latents: int) -> Iterator[list[int]]:
    """The decoder runs out of memory for more; yields the latents of each attempt to decode."""
    tried: list[int] = []

    def hook(_module: Any, arguments: tuple[torch.Tensor, ...]) -> None:
        tried.append(arguments[0].shape[-2] * arguments[0].shape[-1])
        if tried[-1] > latents:
            raise torch.OutOfMemoryError("injected")

    handle = engine._pipeline.vae.decoder.register_forward_pre_hook(hook)
    try:
        yield tried
    finally:
        handle.remove()


@pytest.mark.parametrize("count", [1, 2], ids=["alone", "of a batch"])
def test_what_cannot_be_decoded_whole_is_decoded_in_tiles(
    engine: PipelineEngine, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    requests = [ask(seed=seed, **LARGE) for seed in range(count)]
    before = [draw(engine, request) for request in requests]
    scale = engine._pipeline.vae_scale_factor
    at_once = frugal.TILING // scale**2
    with decoding_at_most(engine, at_once) as tried:
        saved = draw_all(engine, requests)
        decoded = len(tried)
        again = draw_all(engine, requests)
    assert tried[0] == LARGE["width"] * LARGE["height"] // scale**2
    assert max(tried[1:]) <= at_once, "whole only once, for all that follow"
    assert [picture.tobytes() for picture in again] == [picture.tobytes() for picture in saved]
    assert len(tried) == 2 * decoded - 1
    forget(engine)
    assert [draw(engine, request).tobytes() for request in requests] == [picture.tobytes() for picture in before]

    monkeypatch.setattr(engine, "_plan", replace(PLAN, tiling=frugal.TILING))
    for picture, request, whole in zip(saved, requests, before, strict=True):
        assert largest_difference(picture, draw(engine, request)) <= 1
        assert picture.tobytes() != whole.tobytes()


def test_without_memory_for_a_tile_it_says_so_and_goes_on(engine: PipelineEngine) -> None:
    before = draw(engine, ask(**LARGE))
    with decoding_at_most(engine, 0) as tried, pytest.raises(OutOfMemory, match=r"640 x 576 .* a smaller one"):
        draw(engine, ask(**LARGE))
    assert len(tried) == 2, "once whole, once in tiles"
    forget(engine)
    assert draw(engine, ask(**LARGE)).tobytes() == before.tobytes()


def test_what_cannot_get_smaller_is_not_tried_again(engine: PipelineEngine) -> None:
    with decoding_at_most(engine, 0) as tried, pytest.raises(OutOfMemory):
        draw(engine, ask())
    assert len(tried) == 1


def test_waiting_parts_are_moved_and_come_back(engine: PipelineEngine) -> None:
    """On a CPU nothing moves far, but the hooks that move are the same."""
    before = draw(engine, ask())
    with frugal.offloaded(engine._pipeline, torch.device("cpu")):
        assert hasattr(engine._pipeline.transformer, "_hf_hook")
        engine.prompts.clear()
        assert largest_difference(draw(engine, ask()), before) <= 1
    assert not any(hasattr(part, "_hf_hook") for part in engine._pipeline.components.values())
    assert draw(engine, ask()).tobytes() == before.tobytes()


def test_what_does_not_fit_back_ends_the_worker(engine: PipelineEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise torch.OutOfMemoryError("injected")

    with pytest.raises(DeviceLost, match="started again"), frugal.offloaded(engine._pipeline, torch.device("cpu")):
        monkeypatch.setattr(engine._pipeline, "to", no_room)
    monkeypatch.undo()
    engine._pipeline.to("cpu")
    assert draw(engine, ask()).size == (128, 128)


@pytest.mark.parametrize(
    ("plan", "pixels", "helps"),
    [
        (PLAN, 1024 * 1024, True),
        (PLAN, 512 * 512, False),
        (Plan("float32", "none", "none", frugal.TILING, ""), 1024 * 1024, False),
    ],
    ids=["tiles", "small already", "tiles already"],
)
def test_on_a_cpu_only_tiles_save(engine: PipelineEngine, plan: Plan, pixels: int, helps: bool) -> None:
    assert frugal.can_save(engine._pipeline, plan, torch.device("cpu"), pixels) is helps


@pytest.mark.parametrize(
    ("quantization", "offload", "helps"),
    [("none", "none", True), ("none", "model", False), ("int8", "none", False)],
)
def test_on_cuda_plain_weights_can_wait_in_main_memory(
    engine: PipelineEngine, quantization: str, offload: str, helps: bool
) -> None:
    plan = Plan("bfloat16", quantization, offload, 2 << 20, "")
    assert frugal.can_save(engine._pipeline, plan, torch.device("cuda", 1), 512 * 512) is helps
