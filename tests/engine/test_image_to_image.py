"""Drawing from a picture, whole or in part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from generation.engine.engine import PipelineEngine
from generation.engine.exceptions import DrawingCancelled, UnsupportedRequest
from generation.engine.image_to_image import cover
from generation.engine.types import DrawRequest, StartPicture, StepReport
from generation.starting import drawn_steps

from .conftest import ask, described, draw, largest_difference, likeness, load_engine


def halves(width: int = 128, height: int = 128) -> PIL.Image.Image:
    """Left reddish, right bluish."""
    picture = PIL.Image.new("RGB", (width, height), (190, 90, 80))
    picture.paste((70, 90, 190), (width // 2, 0, width, height))
    return picture


def start(strength: float, mask: PIL.Image.Image | None = None, steps: int = 8) -> DrawRequest:
    return replace(ask(steps=steps), start=StartPicture(halves(), strength, mask))


def test_the_weaker_the_strength_the_more_is_kept(engine: PipelineEngine) -> None:
    kept = [likeness(draw(engine, start(strength, steps=50)), halves()) for strength in (0.02, 0.4, 1.0)]
    assert kept[0] > 0.9 > kept[1] > 0.5
    assert kept[2] < 0.2


def test_full_strength_keeps_nothing(engine: PipelineEngine) -> None:
    """The noise is the same with and without a start, and at full strength there is nothing else."""
    assert largest_difference(draw(engine, start(1.0)), draw(engine, ask(steps=8))) <= 1


def test_the_shared_parts_are_left_as_they_were(engine: PipelineEngine) -> None:
    before = draw(engine, ask())
    dtypes = [part.dtype for part in (engine._pipeline.vae, engine._pipeline.transformer)]
    draw(engine, start(0.4))
    draw(engine, start(0.4, PIL.Image.new("L", (128, 128), 255)))
    assert [part.dtype for part in (engine._pipeline.vae, engine._pipeline.transformer)] == dtypes
    assert draw(engine, ask()).tobytes() == before.tobytes()


def test_the_same_request_gives_the_same_pixels_and_another_seed_others(engine: PipelineEngine) -> None:
    one = draw(engine, start(0.6))
    assert draw(engine, start(0.6)).tobytes() == one.tobytes()
    assert largest_difference(one, draw(engine, replace(start(0.6), seed=8))) > 10


@pytest.mark.parametrize("strength", [0.01, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("masked", [False, True])
def test_it_draws_and_reports_as_many_steps_as_are_charged(
    engine: PipelineEngine, strength: float, masked: bool
) -> None:
    reports, previews, forwards = [], [], []
    hook = engine._pipeline.transformer.register_forward_pre_hook(lambda *_: forwards.append(1))

    def on_step(report: StepReport) -> tuple[int, ...]:
        reports.append((report.step, report.steps, report.active))
        previews.extend(report.previews())
        return ()

    mask = PIL.Image.new("L", (128, 128), 255) if masked else None
    try:
        engine.draw([start(strength, mask)], on_step)
    finally:
        hook.remove()
    steps = drawn_steps(8, strength)
    assert reports == [(step, steps, (0,)) for step in range(1, steps + 1)]
    assert len(forwards) == steps
    assert all(preview is not None and max(preview.size) == 256 for preview in previews)


def test_previews_resemble_the_result(engine: PipelineEngine) -> None:
    previews: list[PIL.Image.Image | None] = []

    def on_step(report: StepReport) -> tuple[int, ...]:
        previews.extend(report.previews())
        return ()

    (picture,) = engine.draw([start(0.6)], on_step)
    assert picture is not None
    first = previews[0]
    assert first is not None
    assert likeness(first.resize(picture.size), picture) > 0.6


@pytest.mark.parametrize(("steps", "strength", "drawn"), [(8, 0.3, 3), (8, 0.6, 5), (8, 1.0, 8), (50, 0.001, 1)])
def test_steps_that_are_really_drawn(steps: int, strength: float, drawn: int) -> None:
    assert drawn_steps(steps, strength) == drawn


def test_what_the_mask_does_not_name_stays_to_the_pixel(engine: PipelineEngine) -> None:
    mask = PIL.Image.new("L", (128, 128), 0)
    mask.paste(255, (0, 0, 61, 128))  # no multiple of the latents' sixteen pixels
    drawn, before = np.asarray(draw(engine, start(1.0, mask))), np.asarray(halves())
    assert (drawn[:, 61:] == before[:, 61:]).all()
    assert np.abs(drawn[:, :61].astype(int) - before[:, :61]).mean() > 5


def test_without_anything_to_draw_anew_the_picture_comes_back(engine: PipelineEngine) -> None:
    nothing = PIL.Image.new("L", (128, 128), 0)
    assert largest_difference(draw(engine, start(0.8, nothing)), halves()) == 0


def test_the_start_covers_the_asked_size(engine: PipelineEngine) -> None:
    wide = halves(800, 200)
    fitted = cover(wide, (256, 128))
    assert fitted.size == (256, 128)
    assert fitted.getpixel((2, 64)) == (190, 90, 80)
    assert fitted.getpixel((253, 64)) == (70, 90, 190)
    request = replace(ask(width=256, height=128), start=StartPicture(wide, 0.5, PIL.Image.new("L", (800, 200), 255)))
    assert draw(engine, request).size == (256, 128)


def test_guidance_works_with_a_start(engine: PipelineEngine) -> None:
    guided = draw(engine, replace(start(0.6), guidance=2.0))
    assert largest_difference(guided, draw(engine, start(0.6))) > 5


@pytest.mark.parametrize("masked", [False, True])
def test_cancelling_lands_within_a_step(engine: PipelineEngine, masked: bool) -> None:
    steps = []

    def on_step(report: StepReport) -> tuple[int, ...]:
        steps.append(report.step)
        return (0,)

    with pytest.raises(DrawingCancelled):
        engine.draw([start(0.6, PIL.Image.new("L", (128, 128), 255) if masked else None)], on_step)
    assert steps == [1]
    assert draw(engine, ask()).size == (128, 128)


@pytest.mark.parametrize("strength", [0.0, -0.1, 1.1, float("nan")])
def test_a_strength_out_of_range_is_refused(engine: PipelineEngine, strength: float) -> None:
    with pytest.raises(UnsupportedRequest, match="strength"):
        draw(engine, start(strength))


def test_a_start_is_drawn_alone(engine: PipelineEngine) -> None:
    with pytest.raises(UnsupportedRequest, match="alone"):
        engine.draw([ask(steps=8), start(0.5)], lambda _report: ())


def test_a_model_that_cannot_says_so(starter: Path, tmp_path: Path) -> None:
    plain = load_engine(described(starter, tmp_path / "plain", can_start_from_image=False))
    assert not plain.card.can_start_from_image
    with pytest.raises(UnsupportedRequest, match="cannot start from a picture"):
        draw(plain, start(0.5))
