"""Drawing from a picture, whole or in part. The starter's encoder is random, so here its VAE gets one that is the
inverse of what its decoder does to flat colours: coarse, but a picture comes back as what it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from torch.nn import functional

from generation.engine.engine import PipelineEngine
from generation.engine.exceptions import DrawingCancelled, UnsupportedRequest
from generation.engine.image_to_image import cover
from generation.engine.types import DrawRequest, StartPicture, StepReport
from generation.starting import drawn_steps

from .conftest import ask, draw, largest_difference, likeness, load_engine


def load_starting(model: Path, folder: Path) -> PipelineEngine:
    """The engine of a copy of `model` that says that it can start from a picture, with an encoder that can."""
    shutil.copytree(model, folder)
    said = folder / "zimageweb.json"
    said.write_text(json.dumps(json.loads(said.read_text()) | {"can_start_from_image": True}))
    loaded = load_engine(folder)
    vae, weights = loaded._pipeline.vae, loaded._matrix._weights.float()
    inverse = torch.linalg.pinv(weights[:-1])

    def encode(picture: torch.Tensor) -> AutoencoderKLOutput:
        small = functional.avg_pool2d(picture, loaded._pipeline.vae_scale_factor)
        latents = torch.einsum("nrhw,rc->nchw", small - weights[-1].view(1, 3, 1, 1), inverse)
        return AutoencoderKLOutput(DiagonalGaussianDistribution(torch.cat([latents, 0 * latents], dim=1)))

    vae.encode = encode
    return loaded


@pytest.fixture(scope="module")
def engine(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineEngine:
    return load_starting(starter, tmp_path_factory.mktemp("models") / "starting")


@pytest.fixture(scope="module")
def wandering(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineEngine:
    """Goes on from where it is. (The starter goes to its own picture wherever it starts.)"""
    return load_starting(random_model, tmp_path_factory.mktemp("models") / "wandering")


def halves(width: int = 128, height: int = 128) -> PIL.Image.Image:
    """Left reddish, right bluish."""
    picture = PIL.Image.new("RGB", (width, height), (190, 90, 80))
    picture.paste((70, 90, 190), (width // 2, 0, width, height))
    return picture


def start(strength: float, mask: PIL.Image.Image | None = None, steps: int = 8) -> DrawRequest:
    return replace(ask(steps=steps), start=StartPicture(halves(), strength, mask))


def test_the_weaker_the_strength_the_more_is_kept(wandering: PipelineEngine) -> None:
    kept = [likeness(draw(wandering, start(strength, steps=50)), halves()) for strength in (0.02, 0.2, 1.0)]
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
    mask.paste(255, (0, 0, 61, 128))  # no multiple of the latents' eight pixels
    drawn, before = np.asarray(draw(engine, start(1.0, mask))), np.asarray(halves())
    assert (drawn[:, 61:] == before[:, 61:]).all()
    assert np.abs(drawn[:, :61].astype(int) - before[:, :61]).mean() > 5


def test_without_anything_to_draw_anew_the_picture_comes_back(engine: PipelineEngine) -> None:
    nothing = PIL.Image.new("L", (128, 128), 0)
    assert largest_difference(draw(engine, start(0.8, nothing)), halves()) == 0


def test_the_start_covers_the_asked_size(engine: PipelineEngine) -> None:
    wide = halves(400, 100)
    fitted = cover(wide, (128, 64))
    assert fitted.size == (128, 64)
    assert fitted.getpixel((2, 32)) == (190, 90, 80)
    assert fitted.getpixel((125, 32)) == (70, 90, 190)
    request = replace(ask(width=128, height=64), start=StartPicture(wide, 0.5, PIL.Image.new("L", (400, 100), 255)))
    assert draw(engine, request).size == (128, 64)


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


@pytest.fixture
def plain(starter: Path) -> Iterator[PipelineEngine]:
    yield load_engine(starter)


def test_a_model_that_cannot_says_so(plain: PipelineEngine) -> None:
    assert not plain.card.can_start_from_image
    with pytest.raises(UnsupportedRequest, match="cannot start from a picture"):
        draw(plain, start(0.5))
