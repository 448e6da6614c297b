"""Offloading block by block, attention, compilation and decoding in tiles: the picture stays the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers.models.attention_dispatch import _AttentionBackendRegistry

from generation.engine.engine import PipelineEngine, load
from generation.engine.exceptions import EngineError, UnsupportedRequest
from generation.engine.placing import limit_decoding, place
from generation.engine.plan import Plan
from generation.engine.types import EngineOptions

from .conftest import ask, draw, largest_difference, likeness, load_engine, needs, refusal


@pytest.fixture
def attention() -> Iterator[None]:
    """Diffusers keeps the attention that was chosen last for the whole process."""
    before = _AttentionBackendRegistry.get_active_backend()[0]
    yield
    _AttentionBackendRegistry.set_active_backend(before)


@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_block_by_block_gives_the_same_picture(random_model: Path, quantization: str) -> None:
    if quantization != "none":
        needs("torchao")
    engine = load_engine(random_model, quantization=quantization)
    before = draw(engine, ask())
    # On a CPU a plan never offloads; what is moved where is another device's, the hooks are the same.
    plan = Plan("float32", quantization, "group", 1 << 20, "")
    place(engine._pipeline, plan, EngineOptions(str(random_model), random_model), torch.device("cpu"))
    engine.prompts.clear()
    assert draw(engine, ask()).tobytes() == before.tobytes()
    for part in (engine._pipeline.transformer, engine._pipeline.text_encoder):
        assert part.layers[0]._diffusers_hook.get_hook("group_offloading") is not None


@pytest.mark.usefixtures("attention")
@pytest.mark.parametrize("name", ["native", "_native_math"])
def test_another_attention_gives_the_same_picture(engine: PipelineEngine, starter: Path, name: str) -> None:
    other = load_engine(starter, attention=name)
    processors = {block.attention.processor._attention_backend for block in other._pipeline.transformer.layers}
    assert [backend.value for backend in processors] == [name]
    assert largest_difference(draw(other, ask()), draw(engine, ask())) <= 1


@pytest.mark.usefixtures("attention")
@pytest.mark.parametrize(("takes_masks", "together"), [(True, 4), (False, 1)])
def test_an_attention_without_masks_draws_one_picture_at_once(
    starter: Path, monkeypatch: pytest.MonkeyPatch, takes_masks: bool, together: int
) -> None:
    def attend(query: torch.Tensor, *_: torch.Tensor, attn_mask: torch.Tensor, **__: object) -> torch.Tensor:
        if not takes_masks:
            raise ValueError("`attn_mask` is not yet supported for flash-attn 2.")  # as the real ones say
        return query

    monkeypatch.setattr("generation.engine.placing.dispatch_attention_fn", attend)
    engine = load(EngineOptions(str(starter), starter, attention="native", max_batch=4))
    assert engine.card.max_batch == together


@pytest.mark.usefixtures("attention")
def test_an_attention_without_masks_draws_with_guidance(engine: PipelineEngine, starter: Path) -> None:
    """Like sage and flash, torch's flash attention refuses masks; unlike them it runs on a CPU."""
    request = dataclasses.replace(
        ask(
            "a red circle on a blue ground, and far behind it hills beneath a yellow sun, early in the morning", steps=4
        ),
        guidance=4.0,
        negative_prompt="grey",
    )
    before = draw(engine, request)
    other = load_engine(starter, attention="_native_flash")
    assert largest_difference(draw(other, request), before) <= 1


def test_an_attention_that_is_not_there_is_one_sentence(starter: Path) -> None:
    for name in ("flash", "sage", "flash_hub"):
        assert f"ZIMAGE_ATTENTION={name} cannot be used here" in refusal(EngineError, starter, starter, attention=name)


def test_decoding_in_tiles_gives_nearly_the_same_picture(
    engine: PipelineEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, at_once = ask(width=384, height=320, steps=2), 256 * 256
    whole = draw(engine, request)
    decoded: list[tuple[int, ...]] = []
    hook = engine._pipeline.vae.decoder.register_forward_pre_hook(lambda _, given: decoded.append(given[0].shape))
    monkeypatch.setattr(engine, "_plan", Plan("float32", "none", "none", at_once, ""))
    try:
        tiled = draw(engine, request)
    finally:
        hook.remove()
    assert len(decoded) > 1
    of_a_latent = engine._pipeline.vae_scale_factor**2
    assert max(rows * columns for _, _, rows, columns in decoded) * of_a_latent <= at_once, "no more is decoded at once"
    # A decoder's norms see a tile instead of the picture, so shades shift; the starter's, which has one group, more so.
    assert likeness(tiled, whole) > 0.95
    monkeypatch.undo()
    assert draw(engine, request).tobytes() == whole.tobytes(), "the next picture is decoded whole again"


def test_pictures_of_a_batch_are_decoded_one_by_one(engine: PipelineEngine) -> None:
    decoded: list[int] = []
    hook = engine._pipeline.vae.decoder.register_forward_pre_hook(lambda _, given: decoded.append(len(given[0])))
    try:
        engine.draw([ask(seed=1), ask(seed=2)], lambda _report: ())
    finally:
        hook.remove()
    assert decoded == [1, 1]


@pytest.mark.parametrize(("at_once", "side"), [(2 << 20, 1408), (1 << 20, 1024), (1 << 18, 512)])
def test_tiles_hold_what_may_be_decoded_at_once(engine: PipelineEngine, at_once: int, side: int) -> None:
    vae = engine._pipeline.vae
    limit_decoding(vae, at_once, 8, 2048, 2048)
    assert (vae.tile_sample_min_size, vae.tile_latent_min_size, vae.use_tiling) == (side, side // 8, True)
    limit_decoding(vae, at_once, 8, 512, 512)
    assert not vae.use_tiling


def test_twenty_megapixels_are_refused_and_the_next_picture_is_drawn(engine: PipelineEngine) -> None:
    with pytest.raises(UnsupportedRequest, match="5120"):
        draw(engine, ask(width=5120, height=4096))
    assert draw(engine, ask()).size == (128, 128)
