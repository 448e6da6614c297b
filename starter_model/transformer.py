"""Trains the transformer and the text encoder, together, by flow matching (Lipman et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from diffusers import ZImageTransformer2DModel
from diffusers.pipelines.z_image.pipeline_z_image import get_default_z_image_sigmas
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen2Tokenizer, Qwen3Model

from starter_model.dataset import Batch, Dataset
from starter_model.denoiser import Block, apply_block, denoise
from starter_model.optimizers import Optimizers
from starter_model.parts import SAMPLING_STEPS, SHIFT, build_scheduler, build_text_encoder, build_transformer
from starter_model.progress import Checkpoints, mixed_precision, rate

_COMPILED_LENGTH = 64
"""Captions up to here are frequent enough for blocks compiled for their length."""
_SHARE_REDRAWN = 4
"""One in so many of a batch comes with the transformer's own errors."""
_REDRAW_FROM, _REDRAW_TO = 2, 7
"""Steps of the sampler: earlier ones decide where things are, and after the last there is no noise."""


@dataclass(frozen=True, slots=True)
class Plan:
    steps: int = 14_800
    batch: int = 64
    learning_rate: float = 2e-3
    average: float = 0.999


class Model(nn.Module):
    def __init__(self, tokenizer: Qwen2Tokenizer) -> None:
        super().__init__()
        self.transformer: ZImageTransformer2DModel = build_transformer()
        self.text_encoder: Qwen3Model = build_text_encoder(tokenizer)

    def forward(
        self, latents: Tensor, time: Tensor, tokens: Tensor, known: Tensor, block: Block = apply_block
    ) -> Tensor:
        encoded = self.text_encoder(input_ids=tokens, attention_mask=known, output_hidden_states=True)
        return denoise(self.transformer, latents, time, encoded.hidden_states[-2], known, block)


def train_transformer(
    folder: Path, dataset: Dataset, tokenizer: Qwen2Tokenizer, plan: Plan, device: torch.device, seed: int
) -> Model:
    """The average of the weights over the last thousand steps. Goes on from the checkpoint in `folder`."""
    torch.manual_seed(seed)
    torch._dynamo.config.recompile_limit = 64  # one for each pair of a picture's and a caption's length
    compiled = torch.compile(apply_block, dynamic=False)
    model, average = Model(tokenizer).to(device), Model(tokenizer).to(device).requires_grad_(False)
    average.load_state_dict(model.state_dict())
    inside = [weight for name, weight in model.named_parameters() if _is_inside(name, weight)]
    known = {id(weight) for weight in inside}
    optimizers = Optimizers(inside, [w for w in model.parameters() if id(w) not in known], plan.learning_rate)
    checkpoints = Checkpoints(folder / "transformer.pt", {"model": model, "average": average, "optimizers": optimizers})
    for step in range(checkpoints.restore(), plan.steps):
        batch = dataset.batch(np.random.default_rng((seed, step)), plan.batch)
        block = compiled if batch.tokens.shape[1] <= _COMPILED_LENGTH else apply_block
        with mixed_precision(device):
            loss = _loss(model, average, Batch(*(part.to(device) for part in batch)), block)
        optimizers.step(loss, rate(step, plan.steps, warm=100))
        with torch.no_grad():
            share = 1 - min(plan.average, (step + 1) / (step + 20))
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), share)
        checkpoints.tell(step, plan.steps, loss=loss)
    return average.eval()


def redraw(model: Model, batch: Batch, first: int, last: int = SAMPLING_STEPS) -> tuple[Tensor, float]:
    """What the sampler has at its step `last` when it begins with the batch's latents, noised, at its step `first`.

    Returns latents as the batch's, and the level of noise that is left in them.
    """
    scheduler = build_scheduler()
    scheduler.set_timesteps(sigmas=get_default_z_image_sigmas(SAMPLING_STEPS))
    levels = scheduler.sigmas[first : last + 1].tolist()
    latents = torch.lerp(batch.latents, torch.randn_like(batch.latents), levels[0])
    with torch.no_grad():
        for level, next_level in pairwise(levels):
            time = torch.full((len(latents),), 1 - level, device=latents.device)
            latents = latents + (level - next_level) * model(latents, time, batch.tokens, batch.known).float()
    return latents, levels[-1]


def _loss(model: Model, average: Model, batch: Batch, block: Block) -> Tensor:
    """Noise levels are drawn so that most lie where the sampler's few steps do.

    A part of the batch is what `average` made of it on its way from more noise, so that the model learns to mend its
    own errors, too: noise alone never shows it a dent in a circle (compare Ning et al. 2023, *input perturbation*).
    """
    clean = batch.latents
    middle = torch.sigmoid(1.2 * torch.randn(len(clean), device=clean.device))
    level = SHIFT * middle / (1 + (SHIFT - 1) * middle)
    mixed = torch.lerp(clean, torch.randn_like(clean), level[:, None, None, None])
    own = len(clean) // _SHARE_REDRAWN
    if own:
        first = int(torch.randint(_REDRAW_FROM, _REDRAW_TO, ()))
        last = int(torch.randint(first + 1, _REDRAW_TO + 1, ()))
        mixed[:own], level[:own] = redraw(average, Batch(*(part[:own] for part in batch)), first, last)
    flow = model(mixed, 1 - level, batch.tokens, batch.known, block)
    return functional.mse_loss(flow.float(), (clean - mixed) / level[:, None, None, None])


def _is_inside(name: str, weight: Tensor) -> bool:
    """Whether Muon is for it: the matrices of attention and feed-forward, not embeddings, modulation and norms."""
    return (
        weight.ndim == 2
        and any(part in name for part in ("attention.", "feed_forward.", "self_attn.", "mlp."))
        and "t_embedder" not in name
    )
