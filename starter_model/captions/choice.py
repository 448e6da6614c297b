"""Choosing among phrases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pick(rng: np.random.Generator, phrases: Sequence[str], plain: bool = False) -> str:
    """One of `phrases`; the first for a plain caption."""
    return phrases[0] if plain else phrases[int(rng.integers(len(phrases)))]


def chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)
