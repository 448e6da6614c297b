"""Weights in fewer bits: the configurations that diffusers and transformers take, for each part of the pipeline.

torchao, bitsandbytes and gguf are optional and imported only where they are asked for.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import diffusers
import torch
import transformers
from diffusers.quantizers import PipelineQuantizationConfig

from generation.engine.exceptions import EngineError
from generation.engine.plan import PACKAGE_OF

_KEPT = ["t_embedder", "cap_embedder", "all_x_embedder", "all_final_layer"]
"""The transformer's first and last layers: small, and an error there is an error everywhere in the picture."""


def installed_packages() -> frozenset[str]:
    """Those of the optional packages for quantization that are there."""
    return frozenset(package for package in set(PACKAGE_OF.values()) if find_spec(package))


def for_pipeline(quantization: str, dtype: torch.dtype, *, with_transformer: bool) -> Any:
    """The configuration for all parts that are worth it; None for "none". The VAE is small, and convolutions stay."""
    if quantization == "none":
        return None
    parts: dict[str, Any] = {}
    if quantization == "4bit":
        bits = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": dtype}
        parts["text_encoder"] = transformers.BitsAndBytesConfig(**bits)
        parts["transformer"] = diffusers.BitsAndBytesConfig(**bits, llm_int8_skip_modules=_KEPT)
    else:
        bits = _eight_bits(quantization)
        parts["text_encoder"] = transformers.TorchAoConfig(bits)
        parts["transformer"] = diffusers.TorchAoConfig(bits, modules_to_not_convert=_KEPT)
    if not with_transformer:
        del parts["transformer"]
    return PipelineQuantizationConfig(quant_mapping=parts)


def for_gguf(dtype: torch.dtype) -> Any:
    """How a GGUF file is read: its weights stay packed and are unpacked to `dtype` layer by layer. EngineError if the
    package is missing."""
    if not find_spec("gguf"):
        raise EngineError(
            "ZIMAGE_TRANSFORMER names a GGUF file, which needs the package gguf, which is not installed; "
            "run .venv/bin/pip install gguf, or give a safetensors file."
        )
    return diffusers.GGUFQuantizationConfig(compute_dtype=dtype)


def pack(transformer: Any, quantization: str) -> None:
    """Quantize a transformer that was read from a file: diffusers takes weights in a file for quantized already.

    EngineError for "4bit", which only the files of a folder can be packed to.
    """
    if quantization == "none":
        return
    if quantization == "4bit":
        raise EngineError(
            "ZIMAGE_QUANTIZATION=4bit does not go with a safetensors file in ZIMAGE_TRANSFORMER; set it to int8, or "
            "give a GGUF file."
        )
    from torchao.quantization import quantize_

    def is_packed(module: torch.nn.Module, name: str) -> bool:
        return isinstance(module, torch.nn.Linear) and not set(_KEPT).intersection(name.split("."))

    quantize_(transformer, _eight_bits(quantization), is_packed)


def unpack_outside_layers(transformer: Any, dtype: torch.dtype) -> None:
    """Unpack what a GGUF file packs outside linear layers, such as padding tokens in bfloat16: nothing else would."""
    from diffusers.quantizers.gguf.utils import GGUFParameter, dequantize_gguf_tensor

    for module in transformer.modules():
        if isinstance(module, torch.nn.Linear):
            continue
        for name, parameter in list(module.named_parameters(recurse=False)):
            if isinstance(parameter, GGUFParameter):
                plain = dequantize_gguf_tensor(parameter).to(dtype)
                setattr(module, name, torch.nn.Parameter(plain, requires_grad=False))


def _eight_bits(quantization: str) -> Any:
    """Weights only: multiplied in the pipeline's own number format, so that any device can and no range is guessed."""
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig

    return Float8WeightOnlyConfig() if quantization == "fp8" else Int8WeightOnlyConfig()
