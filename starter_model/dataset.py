"""What the transformer learns from: latents of drawn scenes, and captions said anew each time one is used."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import SEQ_MULTI_OF
from torch import Tensor
from transformers import Qwen2Tokenizer

from starter_model.autoencoder import to_tensor
from starter_model.captions import describe, describe_at_length
from starter_model.drawing import draw
from starter_model.parts import CHANNELS
from starter_model.progress import mixed_precision
from starter_model.scenes import Scene, sample_scene
from starter_model.sizes import NATIVE_SIZES, OFFERED_SIZES, SIZES
from starter_model.text import padded, tokenize

logger = logging.getLogger(__name__)
_LENGTHS = (32, 64, 96, 128, 192, 256)
_LENGTH_SHARES = (0.9, 0.07, 0.01, 0.01, 0.005, 0.005)
_WORDS_PER_TOKEN = 0.45
_SMALL_SQUARE = (256, 256)
_SHARES = {"offered": 12, "native": 2, "small": 1}
_ENCODED_AT_ONCE = 8


class Batch(NamedTuple):
    """latents: (n, channels, rows, columns). tokens and known: (n, length)."""

    latents: Tensor
    tokens: Tensor
    known: Tensor


class Dataset:
    """Scenes of every size, most of them of those that people are offered."""

    def __init__(self, latents: list[Tensor], tokenizer: Qwen2Tokenizer, seed: int) -> None:
        """latents: for each of `SIZES` those of its scenes, in order."""
        self._latents, self._tokenizer, self._seed = latents, tokenizer, seed
        counts = np.array([len(each) for each in latents])
        self._shares = counts / counts.sum()

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        size = int(rng.choice(len(SIZES), p=self._shares))
        length = int(rng.choice(_LENGTHS, p=_LENGTH_SHARES))
        chosen = rng.integers(0, len(self._latents[size]), count)
        scenes = [_scene(self._seed, size, int(index))[0] for index in chosen]
        captions = [say(rng, scene, length, self._tokenizer) for scene in scenes]
        tokens, known = padded(captions, length, self._tokenizer.pad_token_id)
        return Batch(self._latents[size][chosen].float(), tokens, known)


def say(rng: np.random.Generator, scene: Scene, length: int, tokenizer: Qwen2Tokenizer) -> list[int]:
    """Tokens of a caption that the transformer fills up to exactly `length`, a multiple of 32."""
    while True:
        if length == SEQ_MULTI_OF:
            said = describe(rng, scene)
        else:
            said = describe_at_length(rng, scene, int(_WORDS_PER_TOKEN * rng.uniform(length - 40, length)))
        (tokens,) = tokenize(tokenizer, [said])
        if -(-len(tokens) // SEQ_MULTI_OF) * SEQ_MULTI_OF == length:
            return tokens


def load_dataset(
    path: Path, vae: AutoencoderKL, tokenizer: Qwen2Tokenizer, each: int, device: torch.device, seed: int
) -> Dataset:
    """`each` scenes of each small size, more of the larger ones, encoded once and kept in `path`."""
    latents = torch.load(path, weights_only=True) if path.is_file() else []
    for size in range(len(latents), len(SIZES)):
        latents.append(_encode(vae, size, each * _share(SIZES[size]), device, seed))
        torch.save(latents, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
        logger.info("encoded %d of %d sizes", size + 1, len(SIZES))
    return Dataset(latents, tokenizer, seed)


def _share(size: tuple[int, int]) -> int:
    if size in OFFERED_SIZES or size == _SMALL_SQUARE:
        return _SHARES["offered"]
    return _SHARES["native" if size in NATIVE_SIZES else "small"]


def _scene(seed: int, size: int, index: int) -> tuple[Scene, np.random.Generator]:
    """Always the same scene, and the generator to draw it with."""
    rng = np.random.default_rng((seed, size, index))
    return sample_scene(rng), rng


@torch.no_grad()
def _encode(vae: AutoencoderKL, size: int, count: int, device: torch.device, seed: int) -> Tensor:
    done = []
    for first in range(0, count, _ENCODED_AT_ONCE):
        pictures = []
        for index in range(first, min(count, first + _ENCODED_AT_ONCE)):
            scene, rng = _scene(seed, size, index)
            pictures.append(draw(rng, scene, *SIZES[size]))
        with mixed_precision(device):
            done.append(vae.encoder(to_tensor(pictures).to(device))[:, :CHANNELS].half().cpu())
    return torch.cat(done)
