"""LoRAs with random weights, saved as trainers save them: by diffusers, with peft's configuration beside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import ZImagePipeline, ZImageTransformer2DModel
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import load_file, save_file

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
LAYERS = (*ATTENTION, "feed_forward.w1", "feed_forward.w2", "all_final_layer.2-1.linear")


def make_lora(
    model: Path, file: Path, *, seed: int = 1, rank: int = 4, layers: Sequence[str] = LAYERS, trigger: str = ""
) -> Path:
    """A LoRA for the transformer of `model`, strong enough to change every picture. The file's name ends in
    `.safetensors`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer = ZImageTransformer2DModel.from_config(ZImageTransformer2DModel.load_config(model / "transformer"))
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules=list(layers), init_lora_weights=False)
        transformer.add_adapter(config)
        state = get_peft_model_state_dict(transformer)
    ZImagePipeline.save_lora_weights(
        file.parent,
        transformer_lora_layers=state,
        weight_name=file.name,
        transformer_lora_adapter_metadata=config.to_dict(),
    )
    if trigger:
        save_file(load_file(file), file, metadata=metadata_of(file) | {"modelspec.trigger_phrase": trigger})
    return file


def metadata_of(file: Path) -> dict[str, str]:
    content = file.read_bytes()
    return dict(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {}))


def in_kohyas_names(file: Path, target: Path) -> Path:
    """The same LoRA as other trainers name it: `lora_unet_layers_0_attention_to_q.lora_down.weight`."""
    renamed = {}
    for name, tensor in load_file(file).items():
        module, kind = name.removeprefix("transformer.").rsplit(".lora_", 1)
        end = "lora_down" if kind.startswith("A") else "lora_up"
        renamed[f"lora_unet_{module.replace('.', '_')}.{end}.weight"] = tensor.contiguous()
    save_file(renamed, target)
    return target
