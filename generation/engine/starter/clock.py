"""How the starter model's denoiser tells the time: features of the noise level, and what is made to follow it.

Owns the weights of the embedding of time and the fit of modulations to it. Knows nothing of tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def set_clock(embedder: Any, generator: torch.Generator) -> None:
    """Random features of the time step, from its slow waves only: what is fitted to them must be smooth in between."""
    for layer in (embedder.mlp[0], embedder.mlp[2]):
        layer.weight.normal_(0.0, 1.5 * layer.in_features**-0.5, generator=generator)
        layer.bias.normal_(0.0, 1.0, generator=generator)
    waves = embedder.frequency_embedding_size // 2
    slow = torch.arange(waves) > 0.48 * waves  # below 0.012 radians per thousandth of the way from noise to picture
    embedder.mlp[0].weight *= 3.0 * slow.repeat(2)


def follow_time(
    embedder: Any, linear: Any, rows: slice, wanted: Callable[[torch.Tensor], torch.Tensor], *, active: bool
) -> None:
    """Fit rows of a modulation by least squares so that they all equal `wanted(sigma)` whatever the time step.

    `active`: whether a SiLU stands between the embedding of time and `linear`.
    """
    sigma = torch.logspace(math.log10(0.02), 0.0, 6000, dtype=torch.float64)
    features = _clock_features(embedder, 1 - sigma)
    if active:
        features = nn.functional.silu(features)
    features = torch.cat([features, torch.ones(len(sigma), 1, dtype=torch.float64)], dim=1)
    target = wanted(sigma)
    weight = 1 / (target.abs() + 1).unsqueeze(1)
    ridge = 1e-3 * torch.eye(features.shape[1], dtype=torch.float64)
    left = torch.cat([features * weight, ridge])
    right = torch.cat([target.unsqueeze(1) * weight, torch.zeros(features.shape[1], 1, dtype=torch.float64)])
    solution = torch.linalg.lstsq(left, right).solution.squeeze(1)
    # The last bits depend on the threads and on where memory happens to lie; rounding makes builds the same.
    solution = torch.round(solution, decimals=4)
    linear.weight[rows] = solution[:-1].float()
    linear.bias[rows] = solution[-1].float()


def _clock_features(embedder: Any, time: torch.Tensor) -> torch.Tensor:
    """`TimestepEmbedder` in double precision, for `time` from 0 (noise) to 1 (picture)."""
    waves = embedder.frequency_embedding_size // 2
    radians = 10_000.0 ** (-torch.arange(waves, dtype=torch.float64) / waves)
    angles = 1000.0 * time.unsqueeze(1) * radians
    inner, _, outer = embedder.mlp
    hidden = torch.cat([angles.cos(), angles.sin()], dim=1) @ inner.weight.double().T + inner.bias.double()
    features: torch.Tensor = nn.functional.silu(hidden) @ outer.weight.double().T + outer.bias.double()
    return features
