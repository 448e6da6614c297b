"""Each text is encoded once, and a picture does not show whether its text was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from generation.engine.engine import PipelineEngine
from generation.engine.prompts import PromptEncoder

from .conftest import ask, draw, draw_all


@contextmanager
def counting(engine: PipelineEngine) -> Iterator[list[int]]:
    """The lengths, padding included, of the texts that are encoded meanwhile."""
    encoded: list[int] = []
    hook = engine._pipeline.text_encoder.register_forward_pre_hook(
        lambda _module, _arguments, named: encoded.append(named["input_ids"].shape[1]), with_kwargs=True
    )
    try:
        yield encoded
    finally:
        hook.remove()


@pytest.fixture
def engine(roomy: PipelineEngine) -> PipelineEngine:
    """Takes as many words as its parts do."""
    return roomy


@pytest.fixture(autouse=True)
def nothing_is_known(engine: PipelineEngine) -> None:
    engine.prompts.clear()


def test_a_known_text_is_not_encoded_again_and_gives_the_same_pixels(engine: PipelineEngine) -> None:
    with counting(engine) as encoded:
        first, again = draw(engine, ask("a lighthouse")), draw(engine, ask("a lighthouse"))
        assert len(encoded) == 1
        engine.prompts.clear()
        anew = draw(engine, ask("a lighthouse"))
        assert len(encoded) == 2
    assert first.tobytes() == again.tobytes() == anew.tobytes()


def test_a_text_is_the_same_alone_and_among_others(engine: PipelineEngine) -> None:
    texts = ["fog", "a lighthouse at night, waves breaking on the rocks below it", "一只猫坐在窗台上"]
    together = engine.prompts.encode(texts)
    for text, embedding in zip(texts, together, strict=True):
        engine.prompts.clear()
        assert torch.equal(engine.prompts.encode([text])[0], embedding)


def test_one_text_for_many_pictures_is_encoded_once(engine: PipelineEngine) -> None:
    with counting(engine) as encoded:
        draw_all(engine, [ask("fog", seed=seed, steps=1) for seed in range(4)])
    assert len(encoded) == 1


def test_with_guidance_the_empty_text_is_encoded_once_too(engine: PipelineEngine) -> None:
    with counting(engine) as encoded:
        draw(engine, ask("fog", steps=1, guidance=3.0))
        draw(engine, ask("rain", steps=1, guidance=3.0))
    assert len(encoded) == 3


def test_no_more_is_encoded_than_is_needed(engine: PipelineEngine) -> None:
    with counting(engine) as encoded:
        engine.prompts.encode(["fog", "x" * 100, "x" * 600, "x" * 5000])
    assert encoded == [64, 128, 640, engine.card.max_prompt_tokens]


def test_what_goes_beyond_the_old_limit_of_512_tokens_counts(engine: PipelineEngine) -> None:
    short, long = engine.prompts.encode(["x" * 600, "x" * 600 + "y"])
    assert len(short) > 512
    assert len(long) == len(short) + 1


def test_the_longest_prompt_is_drawn_and_one_more_token_could_not_be(engine: PipelineEngine) -> None:
    draw(engine, ask("x" * 5000, steps=1))
    too_long = torch.zeros(engine.card.max_prompt_tokens + 1, engine._pipeline.text_encoder.config.hidden_size)
    with pytest.raises(IndexError):
        engine._pipeline(prompt_embeds=[too_long], height=128, width=128, num_inference_steps=1, guidance_scale=0.0)


def test_the_cache_holds_so_many_bytes_and_forgets_what_was_not_used_for_longest(engine: PipelineEngine) -> None:
    of_each = engine.prompts.encode(["aa"])[0].nbytes
    encoder = PromptEncoder(engine._pipeline, max_tokens=512, cached_bytes=2 * of_each)
    with counting(engine) as encoded:
        encoder.encode(["aa", "bb", "aa", "cc"])  # now bb has to go
        assert len(encoded) == 3
        encoder.encode(["aa", "cc"])
        assert len(encoded) == 3
        encoder.encode(["bb"])
        assert len(encoded) == 4
        encoder.encode(["longer than all that is kept" * 5] * 2)
        assert len(encoded) == 6, "what is larger than the cache is not kept"
