"""The device: which one, how full it is, and how much of it a forward has taken.

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


def room(device: torch.device) -> int:
    """Bytes that one more forward may take: what is free, and what torch keeps of this process's for later."""
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
    return free_memory(device) + kept


def begin_peak(device: torch.device) -> int | None:
    """Begin to watch the most that this process holds there; what it holds now, None where nothing counts it."""
    if device.type != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats(device)
    return int(torch.cuda.memory_allocated(device))


def peak(device: torch.device) -> int:
    """The most bytes held at once since `begin_peak`."""
    return int(torch.cuda.max_memory_allocated(device))


def release_memory(device: torch.device) -> None:
    """Give back what torch keeps for later."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
