"""Small pictures of what is being drawn, from latents, without running the decoder.

Owns the matrix that turns one latent (its channels and a one) into one colour. It is fitted by least squares: first to
what the model's own encoder makes of soft and of hard-edged fields of colour, a rough guess; then to the first real
pictures, which outweigh it. Knows nothing of the sampler's loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

LONGEST_SIDE = 256
_LESSONS = 32
"""So many real pictures are learnt from; the matrix moves very little after that."""


def estimate_picture(
    before: torch.Tensor, after: torch.Tensor, sigma_before: torch.Tensor, sigma_after: torch.Tensor
) -> torch.Tensor:
    """x0 as the model sees it, from the latents before and after an Euler step along `x = x0 + sigma * velocity`."""
    velocity = (after - before) / (sigma_after - sigma_before)
    return after - sigma_after * velocity


class PreviewMatrix:
    """Latents (n, channels, rows, columns) to pictures; learns from pairs of both."""

    def __init__(self, channels: int) -> None:
        self._gram = 1e-3 * torch.eye(channels + 1, dtype=torch.float64)
        self._moment = torch.zeros(channels + 1, 3, dtype=torch.float64)
        self._lessons_left = _LESSONS

    @classmethod
    def fit(cls, vae: Any, device: torch.device) -> PreviewMatrix:
        """A first guess from eight pictures of 16 x 16 latents: milliseconds on a GPU, seconds for Flux on a CPU."""
        generator = torch.Generator("cpu").manual_seed(0)
        corners = 2.0 * torch.rand(8, 3, 4, 4, generator=generator) - 1.0
        side = 16 * 2 ** (len(vae.config.block_out_channels) - 1)
        soft = functional.interpolate(corners[:4], size=side, mode="bicubic", align_corners=False)
        pictures = torch.cat([soft, functional.interpolate(corners[4:], size=side)]).clamp(-1.0, 1.0)
        with torch.no_grad():
            read = vae.encode(pictures.to(device=device, dtype=vae.dtype)).latent_dist.mode().float().cpu()
        latents = (read - (vae.config.shift_factor or 0.0)) * vae.config.scaling_factor
        colours = functional.interpolate(pictures, size=latents.shape[-2:], mode="area")
        matrix = cls(vae.config.latent_channels)
        matrix._add(latents, colours.permute(0, 2, 3, 1), weight=0.05)
        return matrix

    def learn(self, latents: torch.Tensor, pictures: Sequence[Image.Image]) -> None:
        """Improve on the fit with finished latents and the pictures they became. Does nothing after the first few."""
        if self._lessons_left <= 0 or not latents.isfinite().all():  # one that overflowed would spoil the sums for good
            return
        self._lessons_left -= len(pictures)
        rows, columns = latents.shape[-2:]
        small = [picture.convert("RGB").resize((columns, rows), Image.Resampling.BOX) for picture in pictures]
        colours = torch.from_numpy(np.stack([np.asarray(picture) for picture in small])).float() / 127.5 - 1.0
        self._add(latents.float().cpu(), colours, weight=1.0)

    def pictures(self, latents: torch.Tensor) -> list[Image.Image]:
        """One picture for each of `latents`, its longest side `LONGEST_SIDE` pixels."""
        weights = self._weights.to(device=latents.device, dtype=torch.float32)
        colours = torch.einsum("nchw,cr->nhwr", latents.float(), weights[:-1]) + weights[-1]
        levels = ((colours + 1.0) * 127.5).round().clamp(0, 255).byte().cpu().numpy()
        rows, columns = latents.shape[-2:]
        scale = LONGEST_SIDE / max(rows, columns)
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        return [Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC) for picture in levels]

    def _add(self, latents: torch.Tensor, colours: torch.Tensor, weight: float) -> None:
        """Take in latents (n, c, h, w) and their colours (n, h, w, 3) in -1..1, each pair with `weight` per latent."""
        inputs = latents.permute(0, 2, 3, 1).flatten(0, 2).double()
        inputs = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], dim=1)
        self._gram += weight * inputs.T @ inputs
        self._moment += weight * inputs.T @ colours.flatten(0, 2).double()
        self._weights = torch.linalg.solve(self._gram, self._moment)
