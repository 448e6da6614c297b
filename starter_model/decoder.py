"""Trains the decoder once more, on what the finished transformer makes of latents: its errors are not plain noise.

The encoder stays as it is, so the transformer does too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import Qwen2Tokenizer

from starter_model.autoencoder import off_picture, to_tensor
from starter_model.dataset import Batch, say
from starter_model.drawing import draw
from starter_model.optimizers import Optimizers
from starter_model.parts import CHANNELS, SAMPLING_STEPS
from starter_model.progress import Checkpoints, cosine, mixed_precision
from starter_model.scenes import sample_scene
from starter_model.sizes import OFFERED_SIZES
from starter_model.text import padded
from starter_model.transformer import Model, redraw

_STEPS = 6_000
_BATCH = 2
_AT_ONCE = 8
"""Batches whose latents are made together: small ones keep the transformer waiting."""
_LEARNING_RATE = 5e-4
_CAPTION_LENGTH = 32
_FIRST_STEPS = (2, 3, 4, 5, 6, 7, SAMPLING_STEPS, SAMPLING_STEPS)
"""Of the sampler: from the earliest on it leaves things about where they are, and at the last ones all as it is."""
_ALIGNED_STEP = 4
"""From here on the sampler does not move the edges of things."""
_LEAST_CONTRAST = 0.1


def refine_decoder(
    folder: Path, vae: AutoencoderKL, model: Model, tokenizer: Qwen2Tokenizer, device: torch.device, seed: int
) -> None:
    """Goes on from the checkpoint in `folder` if there is one."""
    torch.manual_seed(seed)
    vae.encoder.requires_grad_(False)
    decoder = vae.decoder.train()
    inside = [parameter for parameter in decoder.parameters() if parameter.ndim == 4]
    rest = [parameter for parameter in decoder.parameters() if parameter.ndim != 4]
    optimizers = Optimizers(inside, rest, _LEARNING_RATE)
    checkpoints = Checkpoints(folder / "decoder.pt", {"decoder": decoder, "optimizers": optimizers})
    begin = checkpoints.restore()
    for step in range(begin, _STEPS):
        if step % _AT_ONCE == 0 or step == begin:
            rng = np.random.default_rng((seed, 1, step // _AT_ONCE))
            first = int(rng.choice(_FIRST_STEPS))
            pictures, latents = _prepare(rng, first, vae, model, tokenizer, device)
        picked = slice(step % _AT_ONCE * _BATCH, (step % _AT_ONCE + 1) * _BATCH)
        with mixed_precision(device):
            error = decoder(latents[picked]).float() - pictures[picked]
            loss = _loss(error, pictures[picked], edges=first >= _ALIGNED_STEP)
        optimizers.step(loss, cosine(step, _STEPS, warm=50))
        checkpoints.tell(step, _STEPS, loss=loss, error=error.square().mean())
    decoder.eval()


def _loss(error: Tensor, pictures: Tensor, edges: bool) -> Tensor:
    """By the contrast in each picture: else the points of a small star, or of a brown one on purple, hardly count.

    edges: whether differences of neighbouring pixels count; where things have moved a little they blur every edge.
    """
    contrast = _LEAST_CONTRAST + pictures.std(dim=(2, 3)).mean(dim=1)
    error = error / contrast[:, None, None, None]
    return off_picture(error) if edges else error.abs().mean()


@torch.no_grad()
def _prepare(
    rng: np.random.Generator,
    first: int,
    vae: AutoencoderKL,
    model: Model,
    tokenizer: Qwen2Tokenizer,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Pictures (n, 3, height, width) in -1..1, and what the sampler makes of their latents from its step `first` on."""
    torch.manual_seed(int(rng.integers(2**32)))  # the same noise again when training goes on in the middle of them
    height, width = OFFERED_SIZES[rng.integers(len(OFFERED_SIZES))]
    scenes = [sample_scene(rng) for _ in range(_AT_ONCE * _BATCH)]
    captions = [say(rng, scene, _CAPTION_LENGTH, tokenizer) for scene in scenes]
    pictures = to_tensor([draw(rng, scene, height, width) for scene in scenes]).to(device)
    tokens, known = (part.to(device) for part in padded(captions, _CAPTION_LENGTH, tokenizer.pad_token_id))
    with mixed_precision(device):
        latents = vae.encoder(pictures)[:, :CHANNELS].float()
        latents, _level = redraw(model, Batch(latents, tokens, known), first)
    return pictures, latents
