"""The device: which one, how much fits, how many pictures at once, and what its errors mean.

Knows torch, but no model and no pipeline.
"""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import psutil
import torch

from generation.engine.exceptions import EngineError
from generation.engine.types import DeviceState

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
_GIBIBYTE = 1024**3

# What drivers and libraries write when the device, and not the request, has failed.
_DEVICE_MARKS = ("CUDA error", "HIP error", "CUDNN_STATUS", "cuDNN error", "CUBLAS_STATUS", "MPS backend", "NVML")
_MEMORY_MARKS = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


def choose_device(wanted: str) -> torch.device:
    """The device for `wanted`, where "auto" takes CUDA before MPS before the CPU. EngineError if there is none such."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise EngineError(
            f"ZIMAGE_DEVICE is “{wanted}”, which torch does not know; set it to auto, cpu, mps, cuda or cuda:0."
        ) from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise EngineError(
            f"ZIMAGE_DEVICE is “{wanted}”, but torch {torch.__version__} sees {torch.cuda.device_count()} CUDA "
            "devices; install a CUDA build of torch and the driver, or set it to auto."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise EngineError("ZIMAGE_DEVICE is “mps”, which this machine does not have; set it to auto.")
    return device


def current(device: torch.device) -> AbstractContextManager[Any]:
    """Within it, what names no CUDA device means this one: bitsandbytes packs weights on the current device."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def free_memory(device: torch.device) -> int:
    """Bytes that are free there now: other processes may take some of them before we do."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def state(device: torch.device) -> DeviceState | None:
    """How full `device` is now; None where it does not answer."""
    try:
        if device.type == "cuda":
            index = torch.cuda.current_device() if device.index is None else device.index
            free, total = torch.cuda.mem_get_info(index)
            return DeviceState(f"cuda:{index}", int(total - free), int(total))
        if device.type == "mps":
            used, total = torch.mps.driver_allocated_memory(), torch.mps.recommended_max_memory()
            return DeviceState("mps", int(used), int(total))
    except RuntimeError:  # the drawing thread meets the same error, and is the one to act on it
        return None
    return DeviceState(str(device), int(psutil.Process().memory_info().rss), int(psutil.virtual_memory().total))


def choose_batch(wanted: int, device: torch.device) -> tuple[int, int]:
    """How many pictures in one forward, and how many pixels they may have together (0: any number).

    By default 1, and on a large CUDA device 4 of 512 x 512, 2 of 768 x 768, 1 above: batching pays only where
    one picture does not fill the device.
    """
    if wanted > 0:
        return wanted, 0
    if device.type == "cuda" and torch.cuda.get_device_properties(device).total_memory >= 60 * _GIBIBYTE:
        return 4, 2 * 768 * 768
    return 1, 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller request could still succeed."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error) for mark in _MEMORY_MARKS)


def is_device_failure(error: BaseException) -> bool:
    """Whether nothing more can be expected of the device in this process."""
    if isinstance(error, torch.AcceleratorError):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error) for mark in _DEVICE_MARKS)


def release_memory(device: torch.device) -> None:
    """Give back what torch keeps for later."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
