"""From a name to a pipeline on its device, and to the card that describes it.

Owns what `ZIMAGE_MODEL` may mean and how a model that is absent or broken is told from one that is whole. Knows nothing
of drawing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import huggingface_hub
import safetensors
import torch
import transformers
from diffusers import ZImagePipeline

from generation.engine.devices import choose_batch, is_out_of_memory
from generation.engine.exceptions import EngineError, ModelBroken, ModelNotFound, OutOfMemory
from generation.engine.model_folder import DESCRIPTION_FILE, INDEX_FILE, TURBO, folder_revision, is_hub_id
from generation.engine.prepared import find_prepared, read_record
from generation.engine.starter import ensure_starter
from generation.engine.types import EngineOptions, ModelCard

_NATIVE_PIXELS = 1024 * 1024
_MAX_PIXELS = 2048 * 2048
_MAX_SIDE = 2048
"""Beyond this Z-Image repeats itself, although it accepts 8192; a model may say otherwise in its `zimageweb.json`."""

# What diffusers, transformers and safetensors raise, unwrapped, for files that are missing, cut short or misshapen.
_LOADING_ERRORS = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError),
    huggingface_hub.errors.HfHubHTTPError,
    safetensors.SafetensorError,
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from: a folder, or the hub if there is none. A prepared model keeps its name on the hub."""

    name: str
    folder: Path | None

    @property
    def said(self) -> dict[str, Any]:
        """What the `zimageweb.json` beside the model says; nothing for a model from the hub. Raises ModelBroken.

        It may set name, is_starter, dtype and any of ModelCard's sizes, steps, guidance and max_prompt_tokens.
        """
        path = self.folder / DESCRIPTION_FILE if self.folder else None
        if path is None or not path.is_file():
            return {}
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise _broken(self.name) from error
        if not isinstance(said, dict):
            raise _broken(self.name)
        return said

    @property
    def dtype(self) -> str:
        """The number format that the model insists on, or "auto"."""
        return str(self.said.get("dtype", "auto"))


def be_quiet() -> None:
    """Errors come out as sentences; bars and warnings would only fill the log. The hub's download bar stays."""
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def find_source(options: EngineOptions, device: torch.device) -> Source:
    """What `options.model` means on `device`. Builds the starter model where that is meant and missing.

    Raises ModelNotFound for a folder without a model and for what is neither a folder nor a hub id.
    """
    if options.model == "auto":
        if device.type == "cuda":
            return Source(TURBO, find_prepared(options.models_dir, TURBO))
        return Source(str(options.starter_dir), ensure_starter(options.starter_dir))
    folder = Path(options.model).expanduser()
    if folder.is_dir():
        if not (folder / INDEX_FILE).is_file():
            raise ModelNotFound(
                f"ZIMAGE_MODEL names the folder {folder}, which holds no model_index.json; give the folder of a model "
                "in diffusers format, or set it to auto."
            )
        return Source(str(folder), folder)
    if is_hub_id(options.model):
        return Source(options.model, find_prepared(options.models_dir, options.model))
    raise ModelNotFound(
        f"ZIMAGE_MODEL is “{options.model}”, which is neither a folder here nor a name on the hub like {TURBO}; "
        "correct it or set it to auto."
    )


def load_pipeline(source: Source, options: EngineOptions, dtype: torch.dtype) -> Any:
    """The whole `ZImagePipeline`, still in main memory. Raises ModelNotFound, ModelBroken or OutOfMemory."""
    if source.folder is not None:
        _check_class(source.folder)
    try:
        pipeline: Any = ZImagePipeline.from_pretrained(
            str(source.folder or source.name),
            dtype=dtype,
            cache_dir=options.cache_dir,
            local_files_only=source.folder is not None,
            use_safetensors=True,
        )
    except _LOADING_ERRORS as error:
        raise _explain(error, source) from error
    if not isinstance(pipeline, ZImagePipeline):
        raise _wrong_class(source.name, type(pipeline).__name__)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def place(pipeline: Any, options: EngineOptions, device: torch.device) -> None:
    """Bring the pipeline onto its device, or have its parts brought there when they are needed."""
    if options.offload not in ("none", "model"):
        raise EngineError(f"ZIMAGE_OFFLOAD is “{options.offload}”; set it to none or model.")
    try:
        if options.offload == "model" and device.type != "cpu":
            pipeline.enable_model_cpu_offload(device=device)
        else:
            pipeline.to(device)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise OutOfMemory(
                f"The model does not fit into the memory of {device}; set ZIMAGE_OFFLOAD to model or free the device."
            ) from error
        raise
    if options.compile:
        pipeline.transformer.compile_repeated_blocks(fullgraph=True, dynamic=True)


def describe(
    pipeline: Any, source: Source, options: EngineOptions, device: torch.device, dtype: torch.dtype
) -> ModelCard:
    """The card, from the pipeline's own limits and, where there is one, the `zimageweb.json` beside the model."""
    said = source.said
    step = pipeline.vae_scale_factor * 2
    longest = min(pipeline.transformer.config.axes_lens[1:]) * step
    max_batch, max_batch_pixels = choose_batch(options.max_batch, device)
    return ModelCard(
        name=said.get("name") or Path(source.name).name,
        source=source.name,
        revision=_revision(source, options.cache_dir, dtype),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        dtype=str(dtype).removeprefix("torch."),
        size_step=step,
        min_side=-(-said.get("min_side", 256) // step) * step,
        max_side=min(longest, said.get("max_side", _MAX_SIDE)) // step * step,
        max_pixels=said.get("max_pixels", _MAX_PIXELS),
        native_pixels=said.get("native_pixels", _NATIVE_PIXELS),
        default_steps=said.get("default_steps", 8),
        max_steps=said.get("max_steps", 50),
        default_guidance=said.get("default_guidance", 0.0),
        max_prompt_tokens=said.get("max_prompt_tokens", 512),
        max_batch=max_batch,
        is_starter=bool(said.get("is_starter", False)),
        versions={
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        },
        max_batch_pixels=max_batch_pixels,
    )


def _check_class(folder: Path) -> None:
    """Diffusers would load another kind of model into a ZImagePipeline without a word."""
    try:
        index = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(folder) from error
    name = index.get("_class_name") if isinstance(index, dict) else None
    if name != "ZImagePipeline":
        raise _wrong_class(str(folder), str(name))


def _explain(error: Exception, source: Source) -> EngineError:
    if is_out_of_memory(error):
        return OutOfMemory(
            f"There is not enough memory to load {source.name}; free some or choose another ZIMAGE_MODEL."
        )
    if source.folder is not None and read_record(source.folder):
        return ModelBroken(
            f"The prepared model in {source.folder} is incomplete or damaged; run `manage.py prepare_model` again for "
            f"{source.name}, or set ZIMAGE_MODEL to another model."
        )
    if source.folder is not None:
        return _broken(source.folder)
    if isinstance(error, OSError):
        return ModelNotFound(
            f"ZIMAGE_MODEL is {source.name}, which is not on this machine and could not be fetched from the hub; "
            "check the name and the network, or set it to a folder or, without a CUDA device, to auto."
        )
    return _broken(source.name)


def _broken(what: Path | str) -> ModelBroken:
    return ModelBroken(
        f"The model in {what} is incomplete or damaged; fetch it again, or set ZIMAGE_MODEL to another model."
    )


def _wrong_class(what: str, name: str) -> ModelBroken:
    return ModelBroken(f"The model in {what} is a {name}, not a ZImagePipeline; set ZIMAGE_MODEL to another model.")


def _revision(source: Source, cache_dir: Path | None, dtype: torch.dtype) -> str:
    """Two models of one revision, drawn with in one format, give the same pictures."""
    if source.folder is None:
        return _hub_revision(source.name, cache_dir)
    record = read_record(source.folder)
    if record is None:
        return folder_revision(source.folder)
    word = str(dtype).removeprefix("torch.")
    return record.revision if record.dtype == word else f"{record.revision} with weights in {record.dtype}"


def _hub_revision(name: str, cache_dir: Path | None) -> str:
    """The commit that was loaded: its hash names the snapshot's folder."""
    path = huggingface_hub.try_to_load_from_cache(name, INDEX_FILE, cache_dir=cache_dir)
    return Path(path).parent.name if isinstance(path, str) else "unknown"
