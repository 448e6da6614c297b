"""From files to a pipeline in main memory, and what is said when they are not whole.

Knows how each kind of file is read; where it comes from is `sources`, where it goes to is `placing`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import huggingface_hub
import safetensors
import torch
import transformers
from diffusers import ZImagePipeline, ZImageTransformer2DModel

from generation.engine import quantization, weights
from generation.engine.devices import DTYPES
from generation.engine.exceptions import EngineError, ModelBroken, OutOfMemory
from generation.engine.failures import is_out_of_memory
from generation.engine.plan import ModelSize, Plan
from generation.engine.sources import Source, broken
from generation.engine.weights import is_gguf

# What diffusers, transformers and safetensors raise, unwrapped, for files that are missing, cut short or misshapen.
_LOADING_ERRORS = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError, NotImplementedError),
    huggingface_hub.errors.HfHubHTTPError,
    safetensors.SafetensorError,
)
_SCALE_MARKS = ("scaled_fp8", "scale_weight", "weight_scale")


def be_quiet() -> None:
    """Errors come out as sentences; bars and warnings would only fill the log. The hub's download bar stays."""
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def measure(source: Source) -> ModelSize:
    """How large the model of `source`, which is here, is. Raises ModelBroken where its files do not say."""
    said = source.said
    try:
        return weights.measure(source.path, source.transformer, native_pixels=said.get("native_pixels"))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise _blame(source) from error


def load_pipeline(source: Source, plan: Plan) -> Any:
    """The whole `ZImagePipeline` of `source`, which is here, still in main memory; packed to 4 bits, on the current
    CUDA device. Raises ModelBroken or OutOfMemory, or EngineError for a package that is missing."""
    dtype = DTYPES[plan.dtype]
    parts: dict[str, Any] = {}
    if source.transformer is not None:
        parts["transformer"] = _load_transformer(source, source.transformer, plan, dtype)
    config = None  # the files of a packed model bring their own
    if source.packed == "none":
        config = quantization.for_pipeline(plan.quantization, dtype, with_transformer=not parts)
    try:
        pipeline: Any = ZImagePipeline.from_pretrained(
            str(source.path),
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            quantization_config=config,
            **parts,
        )
    except _LOADING_ERRORS as error:
        raise _explain(error, source.name) or broken(source) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _load_transformer(source: Source, file: Path, plan: Plan, dtype: torch.dtype) -> Any:
    """The transformer of a file, in diffusers' names or in those of the original release, which ComfyUI uses too."""
    packed = is_gguf(file)
    if not packed:
        _refuse_scales(file)
    try:
        transformer: Any = ZImageTransformer2DModel.from_single_file(
            str(file),
            config=str(source.path),
            subfolder="transformer",
            dtype=dtype,
            local_files_only=True,
            quantization_config=quantization.for_gguf(dtype) if packed else None,
        )
    except _LOADING_ERRORS as error:
        raise _explain(error, str(file)) or _broken_file(file) from error
    # Diffusers leaves a weight that the file lacks without contents, and says nothing.
    if any(parameter.is_meta for parameter in transformer.parameters()):
        raise _broken_file(file)
    if packed:
        quantization.unpack_outside_layers(transformer, dtype)
    else:
        quantization.pack(transformer, plan.quantization)
    return transformer.eval()


def _refuse_scales(file: Path) -> None:
    """Some fp8 files keep a scale beside each weight; diffusers would drop the scales and draw noise."""
    try:
        names = weights.read_header(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken_file(file) from error
    if any(mark in name for name in names for mark in _SCALE_MARKS):
        raise ModelBroken(
            f"The file {file} holds fp8 weights with scales beside them, which cannot be read; set "
            "ZIMAGE_TRANSFORMER to a file in bf16 or a GGUF."
        )


def _explain(error: Exception, what: str) -> EngineError | None:
    if is_out_of_memory(error):
        return OutOfMemory(f"There is not enough memory to load {what}; free some or choose another ZIMAGE_MODEL.")
    return None


def _blame(source: Source) -> EngineError:
    """The file where that is what cannot be read, else the folder."""
    if source.transformer is not None and not is_gguf(source.transformer):
        try:
            weights.read_header(source.transformer)
        except (OSError, ValueError, KeyError, TypeError):
            return _broken_file(source.transformer)
    return broken(source)


def _broken_file(file: Path) -> ModelBroken:
    return ModelBroken(
        f"The file {file} is damaged or holds no Z-Image transformer that goes with ZIMAGE_MODEL; fetch it again, or "
        "leave ZIMAGE_TRANSFORMER empty."
    )
