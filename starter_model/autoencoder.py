"""Trains the autoencoder: pictures to latents that bear noise, and back with crisp edges.

The transformer's latents are never exact. So the decoder learns from latents with noise on them, and the encoder learns
to say what survives it; a linear reading of the latents' mean colours keeps colours exact and previews meaningful.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from starter_model.drawing import draw
from starter_model.optimizers import Optimizers
from starter_model.parts import CHANNELS, PIXELS_PER_LATENT, build_autoencoder
from starter_model.progress import Checkpoints, cosine, mixed_precision
from starter_model.scenes import sample_scene
from starter_model.sizes import SIZES

logger = logging.getLogger(__name__)

_WHOLE_SIZES = ((256, 256), (384, 288), (224, 384))
"""Few, since a CPU prepares each convolution for each size anew."""


@dataclass(frozen=True, slots=True)
class Round:
    """Steps on crops, which are fast, then on whole pictures, whose normalisation layers see what they will in use."""

    crop_steps: int
    whole_steps: int
    crop: int
    crop_batch: int
    whole_batch: int = 2

    @property
    def steps(self) -> int:
        return self.crop_steps + self.whole_steps


ROUNDS = (Round(1600, 900, crop=64, crop_batch=24), Round(300, 1400, crop=128, crop_batch=8))
"""In each the learning rate falls to nothing."""
_LEARNING_RATE = 2e-3
_MOST_NOISE = 0.35


class _Bottleneck(nn.Module):
    """Latents of mean 0 and variance 1 in each channel, and their mean colours."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(CHANNELS, affine=False, momentum=0.02)
        self.colours = nn.Conv2d(CHANNELS, 3, 1)

    def forward(self, latents: Tensor) -> Tensor:
        """By the statistics of many batches: those of two pictures would take away the colour that both have."""
        self.norm.train()
        with torch.no_grad():
            self.norm(latents)
        return self.norm.eval()(latents)


def train_autoencoder(folder: Path, device: torch.device, seed: int) -> AutoencoderKL:
    """Trained, on `device`. Goes on from the checkpoint in `folder` if there is one."""
    torch.manual_seed(seed)
    vae = build_autoencoder().to(device, memory_format=torch.channels_last)
    bottleneck = _Bottleneck().to(device)
    inside = [parameter for parameter in vae.parameters() if parameter.ndim == 4]
    rest = [parameter for parameter in vae.parameters() if parameter.ndim != 4]
    optimizers = Optimizers(inside, [*rest, *bottleneck.parameters()], _LEARNING_RATE)
    parts = {"vae": vae, "bottleneck": bottleneck, "optimizer": optimizers}
    checkpoints = Checkpoints(folder / "autoencoder.pt", parts)
    steps = sum(each.steps for each in ROUNDS)
    vae.train()
    for step in range(checkpoints.restore(), steps):
        round_, inside_round = _round_of(step)
        whole = inside_round >= round_.crop_steps
        pictures = _sample_pictures(np.random.default_rng((seed, step)), round_, whole).to(device)
        with mixed_precision(device):
            loss, error = _loss(vae, bottleneck, pictures)
        optimizers.step(loss, cosine(inside_round, round_.steps, warm=50))
        checkpoints.tell(step, steps, loss=loss, error=error)
    _fold(vae, bottleneck.norm)
    return vae.eval()


def _round_of(step: int) -> tuple[Round, int]:
    for round_ in ROUNDS:
        if step < round_.steps:
            return round_, step
        step -= round_.steps
    raise IndexError(step)


def _loss(vae: AutoencoderKL, bottleneck: _Bottleneck, pictures: Tensor) -> tuple[Tensor, Tensor]:
    means = bottleneck(vae.encoder(pictures)[:, :CHANNELS].float())
    colours = functional.avg_pool2d(pictures, PIXELS_PER_LATENT)
    off_colour = functional.mse_loss(bottleneck.colours(means).float(), colours)
    strength = _MOST_NOISE * torch.rand(len(means), 1, 1, 1, device=means.device)
    error = vae.decoder(means + strength * torch.randn_like(means)).float() - pictures
    return off_picture(error) + 2 * error.square().mean() + 0.5 * off_colour, error.square().mean()


def off_picture(error: Tensor) -> Tensor:
    """Differences of neighbouring pixels count beside the pixels: a soft edge is wrong in few of these, but by much."""
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    return error.abs().mean() + edges


def _sample_pictures(rng: np.random.Generator, round_: Round, whole: bool) -> Tensor:
    """Pictures (n, 3, height, width) in -1..1."""
    sizes = _WHOLE_SIZES if whole else SIZES
    height, width = sizes[rng.integers(len(sizes))]
    pictures = [
        draw(rng, sample_scene(rng), height, width) for _ in range(round_.whole_batch if whole else round_.crop_batch)
    ]
    if not whole:
        pictures = [next(_crops(rng, picture, round_.crop)) for picture in pictures]
    return to_tensor(pictures)


def to_tensor(pictures: list[np.ndarray]) -> Tensor:
    """Pictures (height, width, 3) in 0..255 as (n, 3, height, width) in -1..1."""
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)  # in memory still with the channels last
    return pixels.float() / 127.5 - 1


def _crops(rng: np.random.Generator, picture: np.ndarray, side: int) -> Iterator[np.ndarray]:
    """Places in `picture`, preferring those where something is."""
    while True:
        for attempt in range(3):
            top, left = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
            crop = picture[top : top + side, left : left + side]
            if attempt == 2 or crop.std() > 8:
                break
        yield crop


@torch.no_grad()
def _fold(vae: AutoencoderKL, norm: nn.BatchNorm2d) -> None:
    """Let the encoder itself give latents of mean 0 and variance 1, nearly without a spread of its own."""
    last = vae.encoder.conv_out
    mean, variance = norm.running_mean, norm.running_var
    assert isinstance(mean, Tensor)  # they are kept unless one asks otherwise
    assert isinstance(variance, Tensor)
    scale = (variance + norm.eps).rsqrt()
    last.weight[:CHANNELS] *= scale[:, None, None, None]
    last.bias[:CHANNELS] = (last.bias[:CHANNELS] - mean) * scale
    last.weight[CHANNELS:] = 0.0
    last.bias[CHANNELS:] = -10.0
