"""Sharpens the decoder once the latents are settled: the encoder stays as it is, so the transformer does too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from starter_model.autoencoder import Round, sample_pictures
from starter_model.optimizers import Optimizers
from starter_model.parts import CHANNELS
from starter_model.progress import Checkpoints, cosine, mixed_precision

_ROUND = Round(1400, 800, crop=128, crop_batch=8)
_LEARNING_RATE = 1.5e-3
_MOST_NOISE = 0.4
_EDGE_WEIGHT = 1.0


def refine_decoder(folder: Path, vae: AutoencoderKL, device: torch.device, seed: int) -> None:
    """Goes on from the checkpoint in `folder` if there is one."""
    torch.manual_seed(seed)
    vae.encoder.requires_grad_(False)
    decoder = vae.decoder.train()
    inside = [parameter for parameter in decoder.parameters() if parameter.ndim == 4]
    rest = [parameter for parameter in decoder.parameters() if parameter.ndim != 4]
    optimizers = Optimizers(inside, rest, _LEARNING_RATE)
    checkpoints = Checkpoints(folder / "decoder.pt", {"decoder": decoder, "optimizers": optimizers})
    for step in range(checkpoints.restore(), _ROUND.steps):
        rng = np.random.default_rng((seed, 1, step))
        pictures = sample_pictures(rng, _ROUND, whole=step >= _ROUND.crop_steps).to(device)
        with mixed_precision(device):
            loss, error = _loss(vae, pictures)
        optimizers.step(loss, cosine(step, _ROUND.steps, warm=50))
        checkpoints.tell(step, _ROUND.steps, loss=loss, error=error)
    decoder.eval()


def _loss(vae: AutoencoderKL, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbouring pixels count beside the pixels: a soft edge is wrong in few of these, but by much."""
    with torch.no_grad():
        latents = vae.encoder(pictures)[:, :CHANNELS].float()
        strength = _MOST_NOISE * torch.rand(len(latents), 1, 1, 1, device=latents.device)
        latents += strength * torch.randn_like(latents)
    error = vae.decoder(latents).float() - pictures
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    return error.abs().mean() + _EDGE_WEIGHT * edges, error.square().mean()
