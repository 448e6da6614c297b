"""Weights into fewer bits, once and for the disk, so that no worker has to pack them when it starts.

Owns whether this machine can, and the writing of the packed parts: text encoder and transformer. How they are packed
is `quantization`'s business, as at a worker's start, so both give the same pictures.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors
import torch

from generation.engine import devices, weights
from generation.engine.exceptions import EngineError, OutOfMemory
from generation.engine.model_folder import INDEX_FILE
from generation.engine.plan import PACKAGE_OF, QUANTIZATIONS, Plan
from generation.engine.prepared import RECORD_FILE
from generation.engine.preparing.repository import gigabytes

PACKED = ("text_encoder", "transformer")
ROOM = {"none": 0.0, "int8": 0.6, "fp8": 0.6, "4bit": 0.4}
"""Bytes of the packed model, roundly, for each byte in 16 bits that it is made from; for a while both are there."""
_WORKSPACE = 1.2  # memory beyond the packed weights, for those that are just being packed


def require_packable(quantization: str, device: torch.device) -> None:
    """Raises EngineError where this machine cannot pack weights so, before anything is fetched for it."""
    # Imports diffusers, as whoever packs will.
    from generation.engine.quantization import installed_packages

    if quantization not in QUANTIZATIONS:
        raise EngineError(f"--quantization is “{quantization}”; choose one of {', '.join(QUANTIZATIONS)}.")
    package = PACKAGE_OF.get(quantization)
    if package and package not in installed_packages():
        raise EngineError(
            f"--quantization {quantization} needs the package {package}, which is not installed; run .venv/bin/pip "
            f"install {package}."
        )
    if quantization == "4bit" and device.type != "cuda":
        raise EngineError(f"--quantization 4bit needs a CUDA device, and this is {device.type}; choose int8 or none.")


def write_packed(source: Path, target: Path, dtype: str, quantization: str, device: torch.device) -> None:
    """Write to `target` the model in the folder `source`, its large parts packed; `source` stays as it is.

    Raises ModelBroken, OutOfMemory with what to do, or OSError.
    """
    _require_memory(source, dtype, quantization)
    shutil.rmtree(target, ignore_errors=True)  # of a run that was interrupted
    shutil.copytree(source, target, copy_function=_link, ignore=_below(source, (*PACKED, RECORD_FILE)))
    # Imports diffusers, which nobody should wait for who only fetches.
    from generation.engine.loading import be_quiet, load_pipeline
    from generation.engine.sources import Source

    be_quiet()
    plan = Plan(dtype=dtype, quantization=quantization, offload="none", tiling=0, reason="")
    with devices.current(device):
        pipeline = load_pipeline(Source(str(source), source), plan)
    for part in PACKED:
        _save(getattr(pipeline, part), target / part, like=source / INDEX_FILE)
    del pipeline
    devices.release_memory(device)


def _require_memory(folder: Path, dtype: str, quantization: str) -> None:
    if PACKAGE_OF[quantization] != "torchao":
        return  # packed on the device, which says itself when it is full
    size = weights.measure(folder)
    parts = (size.transformer, size.text_encoder, size.vae)
    needed = sum(part.resident(dtype, quantization) for part in parts) * _WORKSPACE
    free = devices.free_memory(torch.device("cpu"))
    if needed > free:
        raise OutOfMemory(
            f"Packing it to {quantization} takes {gigabytes(int(needed))} of main memory, of which {gigabytes(free)} "
            "are free; free some, or use --quantization none and let workers pack it with "
            f"ZIMAGE_QUANTIZATION={quantization}."
        )


def _save(part: Any, folder: Path, *, like: Path) -> None:
    """With the permissions of the file `like`: the libraries would let only the user who runs this read it."""
    try:
        part.save_pretrained(folder)
    except safetensors.SafetensorError as error:  # in which it wraps what the system said
        if number := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(folder)) from error
        raise OSError(errno.EIO, str(error), str(folder)) from error
    for path in folder.iterdir():
        shutil.copymode(like, path)
        with path.open("rb+") as written:
            os.fsync(written.fileno())


def _below(folder: Path, names: tuple[str, ...]) -> Callable[[str, list[str]], set[str]]:
    return lambda at, found: set(names).intersection(found) if Path(at) == folder else set()


def _link(source: str, target: str) -> None:
    """The same bytes under another name, where the disk can; nothing is written to them any more."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
