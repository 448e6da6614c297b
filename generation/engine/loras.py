"""LoRAs on a loaded pipeline: read once, worn for a batch, taken off so that the model is bit for bit what it was.

Every file is checked before anything is changed: diffusers leaves out what it cannot place and says nothing, and a
picture drawn with half a LoRA is a wrong picture. Z-Image's loader knows LoRAs of the transformer only, so one with
weights for the text encoder is refused too, and what `prompts` has encoded stays right.
"""

from __future__ import annotations

import hashlib
import logging
import re
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from generation.engine import failures, lora_files, weights
from generation.engine.exceptions import DeviceLost, LoraUnusable, OutOfMemory
from generation.engine.types import LoraWeight

logger = logging.getLogger(__name__)

# Of several adapters on one model, which is meant, and of adapters that are deleted while they are active.
warnings.filterwarnings("ignore", category=UserWarning, module=r"peft\.tuners\.tuners_utils")

MOST_LOADED = 8
"""Kept on the device, the longest unused goes first. A LoRA of rank 32 takes about 170 MB of Z-Image's memory."""

_ITS_MODULE = re.compile(r"transformer\.(.+)\.(?:lora_[AB]|lokr_\w+)(?:\.(?:weight|bias))?")


@dataclass(frozen=True, slots=True)
class _Loaded:
    adapter: str  # its name in peft, where a dot would end it
    version: tuple[int, int]


class Loras:
    """The LoRAs of one pipeline. Not thread-safe: one thread draws."""

    def __init__(self, pipeline: Any, folder: Path | None, offload: str, device: torch.device) -> None:
        self.hashes: dict[str, str] = {}
        self._pipeline, self._folder, self._offload, self._device = pipeline, folder, offload, device
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()
        self._numbered = 0
        self._is_bare = True

    def wear(self, wanted: Sequence[LoraWeight]) -> None:
        """Have the pipeline draw with `wanted`, each at its weight, and with nothing else.

        Raises LoraUnusable, OutOfMemory or DeviceLost; after the first two the pipeline is bare.
        """
        if not wanted:
            self._take_off()
            return
        try:
            adapters = self._ready([lora.name for lora in wanted])
            self._is_bare = False
            self._pipeline.transformer.set_adapters(adapters, [lora.weight for lora in wanted])
            self._pipeline.transformer.enable_adapters()
        except DeviceLost:  # nothing can be put in order on it
            raise
        except BaseException:
            self._forget_all()
            raise

    def _take_off(self) -> None:
        """Disabled layers pass everything to those they wrap: no weight of the model was ever touched."""
        if not self._is_bare:
            self._pipeline.transformer.disable_adapters()
            self._is_bare = True

    def _ready(self, names: Sequence[str]) -> list[str]:
        """The adapters of `names`, which are fewer than `MOST_LOADED`; loaded if they are not, or have changed."""
        files = {name: lora_files.find(self._folder, name) for name in names}
        versions = {name: _version(file) for name, file in files.items()}
        for name, known in list(self._loaded.items()):
            if versions.get(name, known.version) != known.version:
                self._forget(name)
        for name in names:
            if name in self._loaded:
                self._loaded.move_to_end(name)
        for name in names:
            if name not in self._loaded:
                while len(self._loaded) >= MOST_LOADED:
                    self._forget(next(iter(self._loaded)))
                self._loaded[name] = _Loaded(self._load(name, files[name]), versions[name])
        return [self._loaded[name].adapter for name in names]

    def _load(self, name: str, file: Path) -> str:
        self._numbered += 1
        adapter = f"lora{self._numbered}"
        self._is_bare = False  # diffusers makes what it loads active at once
        try:
            _refuse_what_is_dropped(file)
            state, metadata = self._pipeline.lora_state_dict(
                str(file.parent),
                weight_name=file.name,
                local_files_only=True,
                use_safetensors=True,
                return_lora_metadata=True,
            )
            _require_fit(state, self._pipeline.transformer)
            self._pipeline.load_lora_into_transformer(
                state,
                transformer=self._pipeline.transformer,
                adapter_name=adapter,
                metadata=metadata,
                _pipeline=self._pipeline,
                low_cpu_mem_usage=True,
            )
            if any(parameter.is_meta for parameter in self._pipeline.transformer.parameters()):
                raise ValueError("weights are missing")
            self.hashes[name] = _hash(file)
        except Exception as error:  # each layer of the libraries raises its own
            raise self._explain(name, error) from error
        finally:
            self._offload_again()
        logger.info("LoRA %s was loaded.", name)
        return adapter

    def _explain(self, name: str, error: Exception) -> Exception:
        if failures.is_out_of_memory(error):
            return OutOfMemory(f"The LoRA “{name}” does not fit into memory; use fewer at a time.")
        if failures.is_device_failure(error):
            return DeviceLost("The device failed while loading a LoRA; this worker must be started again.")
        first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        return LoraUnusable(
            f"The LoRA “{name}” cannot be used: its file is damaged, or not made for this model or the way it is run "
            f"({first[:200]}); choose another."
        )

    def _forget(self, name: str) -> None:
        self._pipeline.transformer.delete_adapters(self._loaded.pop(name).adapter)

    def _forget_all(self) -> None:
        """After a failure: out with every layer, also those of a file that was read halfway."""
        self._loaded.clear()
        self._is_bare = True
        self._pipeline.transformer.unload_lora()

    def _offload_again(self) -> None:
        """diffusers moves the parts for loading, and brings them back to its own choice of device or not at all."""
        if self._offload == "model":
            self._pipeline.enable_model_cpu_offload(device=self._device)


def _version(file: Path) -> tuple[int, int]:
    told = file.stat()
    return told.st_mtime_ns, told.st_size


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_what_is_dropped(file: Path) -> None:
    """ValueError for a file that is cut short, and for a DoRA, whose magnitudes diffusers leaves out."""
    if any("dora_scale" in name for name in weights.read_header(file)):
        raise ValueError("it is a DoRA")


def _require_fit(state: Mapping[str, torch.Tensor], transformer: Any) -> None:
    """ValueError unless every tensor belongs to a layer of `transformer`, and LoRAs come in whole pairs."""
    layers = {name for name, _ in transformer.named_modules()}
    for name in state:
        found = _ITS_MODULE.fullmatch(name)
        if found is None or found[1] not in layers:
            raise ValueError(f"there is no place for {name}")
        if ".lora_A." in name or ".lora_B." in name:
            other = name.replace("lora_A", "lora_?").replace("lora_B", "lora_A").replace("lora_?", "lora_B")
            if name.endswith(".weight") and other not in state:
                raise ValueError(f"{other} is missing")
    if not state:
        raise ValueError("it is empty")
