"""A loaded pipeline onto its device: offloading, attention, compilation, and decoding in tiles.

Does what a plan says; what fits is the plan's business.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from diffusers.hooks import apply_group_offloading
from diffusers.models.attention_dispatch import dispatch_attention_fn
from diffusers.models.transformers.transformer_z_image import SEQ_MULTI_OF

from generation.engine.devices import free_memory
from generation.engine.exceptions import EngineError, OutOfMemory
from generation.engine.failures import is_out_of_memory
from generation.engine.plan import Plan
from generation.engine.types import EngineOptions

_PINNING_SHARE = 0.6
"""Of the free main memory, that the weights may take when all of them are kept where the device can fetch them."""


def place(pipeline: Any, plan: Plan, options: EngineOptions, device: torch.device) -> None:
    """Bring the pipeline onto its device, or have its parts brought there when they are needed.

    Raises OutOfMemory where it does not fit, EngineError for an attention that is not there.
    """
    _choose_attention(pipeline, options.attention)
    if not draws_mixed_prompts(pipeline, device):
        _part_by_length(pipeline.transformer)  # before the hooks of offloading, which are taken off and put on again
    try:
        if plan.offload == "group":
            _offload_groups(pipeline, device)
        elif plan.offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        else:
            pipeline.to(device)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise OutOfMemory(
                f"The model does not fit into the memory of {device}; leave ZIMAGE_OFFLOAD and ZIMAGE_QUANTIZATION at "
                "auto or free the device."
            ) from error
        raise
    if options.compile:
        # What fetches the weights of a block cannot be compiled with it.
        pipeline.transformer.compile_repeated_blocks(fullgraph=plan.offload != "group", dynamic=True)


def draws_mixed_prompts(pipeline: Any, device: torch.device) -> bool:
    """Whether prompts of unequal length can be drawn together: those need a mask, which not every attention takes."""
    transformer = pipeline.transformer
    backend = transformer.layers[0].attention.processor._attention_backend
    if backend is None:  # torch's own
        return True
    heads = torch.zeros(2, 64, 1, transformer.dim // transformer.n_heads, device=device, dtype=transformer.dtype)
    mask = torch.arange(64, device=device) < torch.tensor([[64], [32]], device=device)
    try:
        with torch.no_grad():
            dispatch_attention_fn(heads, heads, heads, attn_mask=mask[:, None, None, :], backend=backend)
    except (ValueError, RuntimeError, NotImplementedError):
        return False
    return True


def limit_decoding(vae: Any, at_once: int, scale: int, width: int, height: int) -> None:
    """Have `vae`, of which a latent stands for `scale` x `scale` pixels, decode a picture in tiles if it has more than
    `at_once` pixels, and pictures of a batch one by one. Tiles overlap by a quarter; what is small stays whole."""
    side = max(8, math.isqrt(at_once) // scale // 8 * 8)
    # The VAE's own tiles are as large as its training pictures were, which says nothing of memory.
    vae.tile_latent_min_size, vae.tile_sample_min_size = side, side * scale
    vae.use_tiling = width * height > at_once
    vae.use_slicing = True


def _part_by_length(transformer: Any) -> None:
    """Have the transformer take pictures one by one where their prompts are of unequal length, as with guidance a
    prompt and its negative are: together they would need a mask."""
    together = transformer.forward

    def forward(latents: Any, timesteps: torch.Tensor, captions: Any, **options: Any) -> Any:
        if len({-(-len(caption) // SEQ_MULTI_OF) for caption in captions}) == 1:  # the length to which it fills them up
            return together(latents, timesteps, captions, **options)
        alone = options | {"return_dict": False}
        parts = [
            together([one], time[None], [caption], **alone)[0]
            for one, time, caption in zip(latents, timesteps, captions, strict=True)
        ]
        return ([picture for part in parts for picture in part],)

    transformer.forward = forward


def _choose_attention(pipeline: Any, name: str) -> None:
    if name == "auto":
        return
    try:
        pipeline.transformer.set_attention_backend(name)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        first = str(error).strip().splitlines()[0].rstrip(".")
        raise EngineError(f"ZIMAGE_ATTENTION={name} cannot be used here: {first}; set it to auto.") from error


def _offload_groups(pipeline: Any, device: torch.device) -> None:
    """Block after block; on CUDA the next is fetched while one is at work, from pinned memory if that is plentiful."""
    parts = (pipeline.transformer, pipeline.text_encoder, pipeline.vae)
    streams = device.type == "cuda"
    weights = sum(tensor.nbytes for part in parts for tensor in part.parameters())
    for part in parts:
        apply_group_offloading(
            part,
            onload_device=device,
            offload_device=torch.device("cpu"),
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=streams,
            record_stream=streams,
            low_cpu_mem_usage=weights > _PINNING_SHARE * free_memory(torch.device("cpu")),
        )
