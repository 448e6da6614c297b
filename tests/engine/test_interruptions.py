"""Cancelling, running out of memory and losing the device: what the engine says, and that it can still draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from generation.engine.admission import Admission
from generation.engine.engine import PipelineEngine
from generation.engine.exceptions import DeviceLost, DrawingCancelled, OutOfMemory, UnsupportedRequest
from generation.engine.types import StepReport

from .conftest import ask, draw, draw_all, largest_difference


@pytest.fixture(autouse=True)
def _forgotten(engine: PipelineEngine) -> Iterator[None]:
    """That memory ran out is remembered for minutes; the tests after these shall find the engine as it was."""
    yield
    engine._admission = Admission(engine.card.max_batch, torch.device("cpu"))


@contextmanager
def before_each_forward(engine: PipelineEngine, act: Callable[[int], None]) -> Iterator[None]:
    """Call `act` with the number of pictures before each forward of the transformer."""

    def hook(_module: Any, arguments: tuple[Any, ...]) -> None:
        act(len(arguments[0]))

    handle = engine._pipeline.transformer.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def test_cancelling_ends_within_the_step(engine: PipelineEngine) -> None:
    before = draw(engine, ask())
    forwards: list[int] = []
    with before_each_forward(engine, forwards.append), pytest.raises(DrawingCancelled):
        engine.draw([ask()], lambda report: [0] if report.step == 2 else [])
    assert len(forwards) == 2
    assert draw(engine, ask()).tobytes() == before.tobytes()


def test_one_of_two_is_dropped_and_the_other_does_not_notice(engine: PipelineEngine) -> None:
    reports: list[StepReport] = []

    def on_step(report: StepReport) -> list[int]:
        reports.append(report)
        return [0] if report.step == 2 else []

    gone, kept = engine.draw([ask("rain", seed=1), ask(seed=2)], on_step)
    assert gone is None
    assert kept is not None
    assert largest_difference(kept, draw(engine, ask(seed=2))) <= 1
    assert [report.active for report in reports] == [(0, 1), (0, 1), (1,), (1,)]
    dropped, drawn = reports[2].previews()
    assert dropped is None
    assert drawn is not None


def test_dropping_both_one_after_the_other_cancels(engine: PipelineEngine) -> None:
    with pytest.raises(DrawingCancelled):
        engine.draw([ask(seed=1), ask(seed=2)], lambda report: [report.step - 1])


def test_a_callback_that_raises_leaves_the_engine_usable(engine: PipelineEngine) -> None:
    before = draw(engine, ask())

    def on_step(report: StepReport) -> list[int]:
        raise LookupError("the caller's own trouble")

    with pytest.raises(LookupError, match="own trouble"):
        engine.draw([ask()], on_step)
    assert draw(engine, ask()).tobytes() == before.tobytes()


def test_without_memory_for_all_it_draws_the_halves(engine: PipelineEngine) -> None:
    requests = [ask(seed=seed) for seed in range(4)]
    tried: list[int] = []

    def refuse_more_than_one(pictures: int) -> None:
        tried.append(pictures)
        if pictures > 1:
            raise torch.OutOfMemoryError("injected")

    with before_each_forward(engine, refuse_more_than_one):
        pictures = draw_all(engine, requests)
    assert tried[:3] == [4, 2, 1]
    assert set(tried[3:]) == {1}, "what did not fit is not tried again"
    assert all(
        largest_difference(picture, draw(engine, request)) <= 1
        for picture, request in zip(pictures, requests, strict=True)
    )


def test_without_memory_for_one_it_says_so_and_goes_on(engine: PipelineEngine) -> None:
    def refuse(_pictures: int) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    with before_each_forward(engine, refuse), pytest.raises(OutOfMemory, match="128 x 128"):
        draw(engine, ask())
    assert draw(engine, ask()).size == (128, 128)


def test_any_other_device_error_is_the_end(engine: PipelineEngine) -> None:
    def fail(_pictures: int) -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    with before_each_forward(engine, fail), pytest.raises(DeviceLost, match="started again"):
        draw(engine, ask())


def test_a_device_that_fails_at_putting_things_in_order_too_is_lost_all_the_same(
    engine: PipelineEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with offloading, whose hooks move the weights away after a failure: the second error hides the first."""

    def fail(_pictures: int) -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    def fail_again() -> None:
        raise ValueError("something that says nothing of a device")

    monkeypatch.setattr(engine._pipeline, "maybe_free_model_hooks", fail_again)
    with before_each_forward(engine, fail), pytest.raises(DeviceLost, match="started again"):
        draw(engine, ask())


def test_memory_that_runs_out_beside_the_drawing_is_told_as_that(
    engine: PipelineEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_loras: object) -> None:
        raise torch.OutOfMemoryError("injected")

    monkeypatch.setattr(engine._loras, "wear", no_room)
    with pytest.raises(OutOfMemory, match="smaller"):
        draw(engine, ask())


def test_numbers_that_overflow_are_no_picture_and_spoil_no_preview(engine: PipelineEngine) -> None:
    def overflow(_module: Any, _arguments: Any, output: Any) -> Any:
        return ([each * float("nan") for each in output[0]], *output[1:])

    handle = engine._pipeline.transformer.register_forward_hook(overflow)
    try:
        with pytest.raises(UnsupportedRequest, match="ZIMAGE_DTYPE"):
            draw(engine, ask())
    finally:
        handle.remove()
    previews: list[Any] = []
    engine.draw([ask()], lambda report: previews.extend(report.previews()) or ())
    assert previews[-1].convert("L").getextrema()[1] > 0


def test_a_programming_error_is_not_taken_for_the_device(engine: PipelineEngine) -> None:
    def fail(_pictures: int) -> None:
        raise RuntimeError("shapes do not match")

    with before_each_forward(engine, fail), pytest.raises(RuntimeError, match="shapes"):
        draw(engine, ask())
