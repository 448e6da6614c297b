"""Variety for a model whose pictures of one prompt look alike: other words, as it were, while the composition is found.

A distilled model such as Z-Image-Turbo takes little from its first noise, nearly all from the prompt. So a share of the
prompt's embedding is disturbed for the first steps, which settle the composition; the steps after them see the prompt
as it is, and bring back what it says. (The idea is that of InvokeAI's seed-variance enhancer.)

The disturbance follows from the seed alone, drawn on the CPU for each picture by itself: the same on every device, and
in whatever company the picture is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from generation.engine.types import DrawRequest

_DISTURBED = 0.5
"""Share of the embedding's numbers that are disturbed."""

_EARLY = 0.25
"""Share of the steps that see the disturbed embedding."""

_SALT = 0x5EED_FACE
"""Keeps these numbers apart from the first latents, which are drawn from the bare seed."""


def early_steps(steps: int) -> int:
    """How many of `steps` see the disturbed embeddings: at least one."""
    return max(1, round(steps * _EARLY))


def varied(embeddings: Sequence[torch.Tensor], requests: Sequence[DrawRequest]) -> list[torch.Tensor] | None:
    """The embeddings (tokens, features) for the early steps, or None where no request wants variation."""
    if not any(request.variation for request in requests):
        return None
    return [
        _disturbed(embedding, request.seed, request.variation) if request.variation else embedding
        for embedding, request in zip(embeddings, requests, strict=True)
    ]


def _disturbed(embedding: torch.Tensor, seed: int, variation: float) -> torch.Tensor:
    """Add Gaussian noise to a share of the numbers; `variation` 1 is noise as strong as they are themselves, measured
    by their root mean square."""
    generator = torch.Generator("cpu").manual_seed(seed ^ _SALT)
    noise = torch.randn(embedding.shape, generator=generator)
    chosen = torch.rand(embedding.shape, generator=generator) < _DISTURBED
    strength = variation * embedding.float().square().mean().sqrt()
    added = (noise * chosen).to(embedding.device) * strength
    return (embedding.float() + added).to(embedding.dtype)
