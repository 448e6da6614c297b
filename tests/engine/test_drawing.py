"""The engine draws what was asked, the same each time, alone or in company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from generation.engine.engine import PipelineEngine
from generation.engine.exceptions import UnsupportedRequest
from generation.engine.types import DrawRequest, StepReport

from .conftest import ask, draw, draw_all, largest_difference, likeness

PADDED = [(128, 128), (160, 160), (288, 288), (384, 320)]
"""Sizes whose image tokens, of 32 x 32 pixels, are no multiple of 32: the transformer fills up with padding."""


def test_same_request_gives_same_pixels(engine: PipelineEngine) -> None:
    assert draw(engine, ask()).tobytes() == draw(engine, ask()).tobytes()


def test_another_seed_or_prompt_gives_another_picture(engine: PipelineEngine) -> None:
    picture = draw(engine, ask())
    assert largest_difference(picture, draw(engine, ask(seed=8))) > 30
    assert largest_difference(picture, draw(engine, ask("a green forest in fog"))) > 30


@pytest.mark.parametrize(("width", "height"), [(128, 128), (256, 160), (160, 288)])
def test_it_draws_the_asked_size(engine: PipelineEngine, width: int, height: int) -> None:
    assert draw(engine, ask(width=width, height=height)).size == (width, height)


@pytest.mark.parametrize(("width", "height"), [(256, 128), *PADDED])
def test_every_size_follows_words_and_seed(engine: PipelineEngine, width: int, height: int) -> None:
    def drawn(prompt: str, seed: int = 7) -> np.ndarray:
        return np.asarray(draw(engine, ask(prompt, seed, width=width, height=height, steps=8))).astype(int)

    def border(picture: np.ndarray) -> np.ndarray:
        """Its mean colour."""
        return np.concatenate([picture[:8].reshape(-1, 3), picture[-8:].reshape(-1, 3)]).mean(0)

    on_blue, on_red = drawn("a red circle on a blue background"), drawn("a blue circle on a red background")
    assert border(on_blue).argmax() == 2
    assert border(on_red).argmax() == 0
    assert np.abs(on_blue - drawn("a red circle on a blue background", seed=8)).max() > 20


@pytest.mark.parametrize(("width", "height"), [(128, 128), (160, 288)])
def test_a_batch_equals_its_singles(engine: PipelineEngine, width: int, height: int) -> None:
    size = {"width": width, "height": height}
    requests = [
        ask("fog", seed=1, **size),
        ask("a lighthouse at night, waves breaking on the rocks below it", seed=2, **size),
        ask("一只猫坐在窗台上，窗外下着雪", seed=3, **size),
    ]
    for picture, request in zip(draw_all(engine, requests), requests, strict=True):
        assert largest_difference(picture, draw(engine, request)) <= 1


def test_more_requests_than_fit_are_drawn_in_parts(engine: PipelineEngine) -> None:
    requests = [ask(seed=seed, steps=1) for seed in range(engine.card.max_batch + 1)]
    pictures = draw_all(engine, requests)
    assert largest_difference(pictures[-1], draw(engine, requests[-1])) <= 1


def test_the_requests_are_left_alone(engine: PipelineEngine) -> None:
    requests = [ask("fog", steps=1), ask("rain", steps=1)]
    draw_all(engine, requests)
    assert [request.prompt for request in requests] == ["fog", "rain"]


def test_it_equals_the_plain_pipeline(engine: PipelineEngine) -> None:
    request = ask(steps=8)
    plain = engine._pipeline(
        request.prompt,
        height=request.height,
        width=request.width,
        num_inference_steps=8,
        guidance_scale=0.0,
        generator=torch.Generator("cpu").manual_seed(request.seed),
    ).images[0]
    assert largest_difference(draw(engine, request), plain) <= 1


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_it_reports_each_step_and_makes_one_forward_for_each(engine: PipelineEngine, steps: int) -> None:
    forwards, reports = [], []
    hook = engine._pipeline.transformer.register_forward_pre_hook(lambda *_: forwards.append(1))

    def on_step(report: StepReport) -> tuple[int, ...]:
        reports.append((report.step, report.steps, report.active))
        return ()

    try:
        engine.draw([ask(steps=steps)], on_step)
    finally:
        hook.remove()
    assert reports == [(step, steps, (0,)) for step in range(1, steps + 1)]
    assert len(forwards) == steps


def test_guidance_is_accepted(engine: PipelineEngine) -> None:
    assert draw(engine, ask(steps=2, guidance=2.0)).size == (128, 128)


def test_previews_become_the_picture(engine: PipelineEngine) -> None:
    prompts, size = ("a red circle on a blue background", "the sea at sunset", "雪山"), {"width": 256, "height": 192}
    likenesses = []
    for prompt in prompts:
        previews: list[Image.Image] = []

        def on_step(report: StepReport, previews: list[Image.Image] = previews) -> tuple[int, ...]:
            previews.extend(preview for preview in report.previews() if preview is not None)
            return ()

        [picture] = engine.draw([ask(prompt, steps=8, **size)], on_step)
        assert picture is not None
        assert [preview.size for preview in previews] == [(256, 192)] * 8
        likenesses.append((likeness(previews[3], picture), likeness(previews[-1], picture)))
    assert all(at_half >= 0.8 for at_half, _ in likenesses), likenesses
    assert all(at_end > at_half for at_half, at_end in likenesses), likenesses


@pytest.mark.parametrize(
    "prompt",
    ["", "🦊❄️👩‍🚀", "ثعلب أحمر في الثلج", "一只猫坐在窗台上", "wind " * 400, "\x00\ud7ff\n\t<|im_end|>"],
    ids=["empty", "emoji", "right to left", "Chinese", "2000 characters", "control characters"],
)
def test_any_prompt_draws(engine: PipelineEngine, prompt: str) -> None:
    picture = draw(engine, ask(prompt))
    assert np.asarray(picture).std() > 5, "the picture is not one flat colour"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"width": 100}, "width"),
        ({"height": 16}, "height"),
        ({"width": 2048}, "width"),
        ({"steps": 0}, "steps"),
        ({"steps": 51}, "steps"),
        ({"guidance": -1.0}, "guidance"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_the_model_cannot_draw_is_refused(engine: PipelineEngine, change: dict[str, int], word: str) -> None:
    with pytest.raises(UnsupportedRequest, match=word):
        draw(engine, ask(**change))


def test_requests_that_differ_in_size_are_refused(engine: PipelineEngine) -> None:
    with pytest.raises(UnsupportedRequest, match="same size"):
        draw_all(engine, [ask(), ask(width=160)])
    with pytest.raises(UnsupportedRequest, match="at least one"):
        draw_all(engine, [])


def test_a_request_is_a_value() -> None:
    assert ask() == DrawRequest("a red fox in snow", 128, 128, 4, 7, 0.0)
