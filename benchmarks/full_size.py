"""Z-Image-Turbo's architecture with random weights: as much work for a GPU as the real one, and nothing to download.

What it draws is noise. Sizes are those that its publisher's configuration states; the tokenizer is the starter
model's, so prompts have a few tokens more or fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

from generation.engine import quantization
from generation.engine.engine import PipelineEngine
from generation.engine.placing import place
from generation.engine.plan import DECODED_AT_ONCE, Plan
from generation.engine.preview import PreviewMatrix
from generation.engine.types import EngineOptions, ModelCard

TRANSFORMER = {
    "in_channels": 16,
    "dim": 3840,
    "n_layers": 30,
    "n_refiner_layers": 2,
    "n_heads": 30,
    "n_kv_heads": 30,
    "cap_feat_dim": 2560,
    "axes_dims": [32, 48, 48],
    "axes_lens": [1536, 512, 512],
}
TEXT_ENCODER = {
    "vocab_size": 151_936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 40_960,
    "tie_word_embeddings": True,
}
VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 16,
    "sample_size": 1024,
    "scaling_factor": 0.3611,
    "shift_factor": 0.1159,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
}


@contextmanager
def _made_on(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Within it, modules are made there at once, never in main memory."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            yield
    finally:
        torch.set_default_dtype(before)


def build_parts(device: torch.device, dtype: torch.dtype = torch.bfloat16) -> dict[str, Any]:
    """Transformer, text encoder and VAE: 20.5 GB in bfloat16."""
    with _made_on(device, dtype):
        return {
            "transformer": ZImageTransformer2DModel(**TRANSFORMER).eval(),
            "text_encoder": Qwen3Model(Qwen3Config(**TEXT_ENCODER)).eval(),
            "vae": AutoencoderKL(**VAE).eval(),
        }


def build_engine(starter: Path, device: torch.device, *, compiled: bool, packed: str, max_batch: int) -> PipelineEngine:
    """The engine on such a model; `starter` lends its tokenizer, `packed` is how the transformer is quantized."""
    pipeline: Any = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0),
        tokenizer=PreTrainedTokenizerFast.from_pretrained(starter / "tokenizer"),
        **build_parts(device),
    )
    pipeline.set_progress_bar_config(disable=True)
    quantization.pack(pipeline.transformer, packed)
    plan = Plan("bfloat16", packed, "none", DECODED_AT_ONCE[0], "full size, random weights")
    place(pipeline, plan, EngineOptions("random", starter, compile=compiled), device)
    card = ModelCard(
        name="Z-Image-Turbo's architecture, random weights",
        source="random",
        revision="",
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        dtype=plan.dtype,
        size_step=16,
        min_side=256,
        max_side=2048,
        max_pixels=2048 * 2048,
        native_pixels=1024 * 1024,
        default_steps=8,
        max_steps=50,
        default_guidance=0.0,
        max_prompt_tokens=512,
        max_batch=max_batch,
        is_starter=False,
    )
    return PipelineEngine(pipeline, card, device, PreviewMatrix.fit(pipeline.vae, device), plan)
