"""The card that describes a loaded model: its limits, from the pipeline's own parts, and how it is run.

A `zimageweb.json` beside the model may narrow or name what the parts cannot know.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import diffusers
import torch
import transformers
from diffusers.models.transformers.transformer_z_image import SEQ_MULTI_OF

from generation.engine import lora_files
from generation.engine.admission import choose_batch
from generation.engine.placing import draws_mixed_prompts
from generation.engine.plan import ModelSize, Plan
from generation.engine.sources import Source
from generation.engine.types import EngineOptions, ModelCard
from generation.engine.weights import is_gguf

_TURBO_STEPS = 8
"""What the model asks for cannot be read off its parts: a distilled one looks like any other."""

_UNDISTILLED = {"default_steps": 50, "default_guidance": 4.0}
_ASKS_FOR = {"Tongyi-MAI/Z-Image": _UNDISTILLED}
"""Models, by their id on a hub, that are drawn otherwise; their publishers ship no `zimageweb.json`."""


def describe(
    pipeline: Any, source: Source, size: ModelSize, plan: Plan, options: EngineOptions, device: torch.device
) -> ModelCard:
    """The card of `pipeline`, loaded from `source` by `plan` onto `device`."""
    said = _ASKS_FOR.get(source.id, {}) | source.said
    step = size_step(pipeline)
    native = math.isqrt(size.native_pixels)
    # The transformer takes more, but beyond twice the side it was made for Z-Image repeats itself.
    longest = min(longest_side(pipeline), said.get("max_side", 2 * native))
    together = options.max_batch if draws_mixed_prompts(pipeline, device) else 1
    max_batch, max_batch_pixels = choose_batch(together, device)
    return ModelCard(
        name=source.label if source.transformer else said.get("name") or source.label,
        source=source.name,
        revision=source.revision(plan.dtype),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        dtype=plan.dtype,
        size_step=step,
        min_side=-(-said.get("min_side", native // 4) // step) * step,
        max_side=longest // step * step,
        max_pixels=said.get("max_pixels", 4 * size.native_pixels),
        native_pixels=size.native_pixels,
        default_steps=said.get("default_steps", _TURBO_STEPS),
        max_steps=said.get("max_steps", _full_steps(pipeline)),
        default_guidance=said.get("default_guidance", 0.0),
        max_prompt_tokens=min(longest_prompt(pipeline), said.get("max_prompt_tokens", longest_prompt(pipeline))),
        max_batch=max_batch,
        is_starter=bool(said.get("is_starter", False)),
        versions={
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        },
        max_batch_pixels=max_batch_pixels,
        quantization=_quantization(source, plan),
        offload=plan.offload,
        plan=plan.reason,
        loras=lora_files.listed(options.lora_dir),
        can_start_from_image=bool(said.get("can_start_from_image", True)),
    )


def size_step(pipeline: Any) -> int:
    """Pixels that a side must be a multiple of: those of one token."""
    return int(pipeline.vae_scale_factor * pipeline.transformer.config.all_patch_size[0])


def longest_side(pipeline: Any) -> int:
    """Pixels, so that no token lies beyond the transformer's last row or column."""
    return int(min(pipeline.transformer.config.axes_lens[1:]) * size_step(pipeline))


def longest_prompt(pipeline: Any) -> int:
    """Tokens, with those of the chat template: what tokenizer and text encoder take and the transformer can place.

    On its first axis the transformer sets the caption from 1 on, filled up to a multiple of 32, and then the picture.
    """
    places = (pipeline.transformer.config.axes_lens[0] - 2) // SEQ_MULTI_OF * SEQ_MULTI_OF
    encoder = pipeline.text_encoder.config.max_position_embeddings
    return int(min(pipeline.tokenizer.model_max_length, encoder, places))


def _full_steps(pipeline: Any) -> int:
    """As many as the pipeline takes for a model that is not distilled; more than that improves nothing."""
    return int(inspect.signature(pipeline.__call__).parameters["num_inference_steps"].default)


def _quantization(source: Source, plan: Plan) -> str:
    if source.transformer is None or not is_gguf(source.transformer):
        return plan.quantization
    return "gguf" if plan.quantization == "none" else f"gguf, {plan.quantization}"
