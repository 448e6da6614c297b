"""Variation leads the seeds of one prompt apart, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch

from generation.engine.engine import PipelineEngine
from generation.engine.exceptions import UnsupportedRequest
from generation.engine.variation import early_steps, varied

from .conftest import ask, draw, draw_all, largest_difference


def spread(pictures: list[np.ndarray]) -> float:
    """Mean difference over all pairs."""
    return float(np.mean([np.abs(one - other).mean() for one, other in combinations(pictures, 2)]))


def test_without_variation_the_embeddings_are_the_very_same(engine: PipelineEngine) -> None:
    requests = [ask(seed=1), ask(seed=2)]
    embeddings = engine.prompts.encode([request.prompt for request in requests])
    assert varied(embeddings, requests) is None
    kept, disturbed = varied(embeddings, [ask(seed=1), ask(seed=2, variation=0.5)]) or []
    assert kept is embeddings[0]
    assert not torch.equal(disturbed, embeddings[1])
    assert disturbed.dtype == embeddings[1].dtype


def test_same_seed_and_variation_give_the_same_picture(engine: PipelineEngine) -> None:
    plain = draw(engine, ask())
    one = draw(engine, ask(variation=0.6))
    assert one.tobytes() == draw(engine, ask(variation=0.6)).tobytes()
    assert one.tobytes() != plain.tobytes()
    assert draw(engine, ask(variation=0.0)).tobytes() == plain.tobytes()


def test_a_batch_equals_its_singles(engine: PipelineEngine) -> None:
    requests = [
        ask(seed=1, variation=0.6),
        ask("a green forest in fog, with a path of white stones", seed=2),
        ask("deep sea", seed=3, variation=0.3),
    ]
    together = draw_all(engine, requests)
    for request, picture in zip(requests, together, strict=True):
        assert largest_difference(picture, draw(engine, request)) <= 1


def test_only_the_early_steps_are_disturbed(engine: PipelineEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    transformer = engine._pipeline.transformer
    hook = transformer.register_forward_pre_hook(lambda _module, args: seen.append(args[2][0].clone()))
    try:
        draw(engine, ask(steps=8, variation=0.6))
    finally:
        hook.remove()
    [embedding] = engine.prompts.encode([ask().prompt])
    assert [torch.equal(each, embedding) for each in seen] == [False] * 2 + [True] * 6
    assert [early_steps(steps) for steps in (1, 4, 8, 50)] == [1, 1, 2, 12]


def test_more_variation_leads_the_embeddings_of_the_seeds_further_apart(engine: PipelineEngine) -> None:
    """Of the embeddings; what that does to pictures depends on the model."""
    [embedding] = engine.prompts.encode(["red fox"])

    def embeddings(variation: float) -> list[np.ndarray]:
        requests = [ask("red fox", seed, variation=variation) for seed in range(8)]
        found = varied([embedding] * 8, requests) or [embedding] * 8
        return [each.float().numpy() for each in found]

    spreads = [spread(embeddings(variation)) for variation in (0.0, 0.3, 0.6)]
    assert spreads[0] == 0
    assert all(less < more for less, more in pairwise(spreads)), spreads


@pytest.mark.parametrize("variation", [-0.1, 1.1, float("nan")])
def test_variation_has_limits(engine: PipelineEngine, variation: float) -> None:
    with pytest.raises(UnsupportedRequest, match=r"variation .*0 to 1"):
        draw(engine, ask(variation=variation))


def test_the_negative_prompt_acts_through_guidance_only(engine: PipelineEngine) -> None:
    def drawn(guidance: float, negative: str) -> bytes:
        request = replace(ask(guidance=guidance), negative_prompt=negative)
        return draw(engine, request).tobytes()

    assert drawn(0.0, "green forest") == drawn(0.0, "")
    assert drawn(3.0, "green forest") != drawn(3.0, "")
