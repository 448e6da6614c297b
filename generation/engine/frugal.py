"""The last attempt at one picture that did not fit: slower, in less memory, and afterwards everything is as it was.

Owns what can be saved beyond the plan: decoding in the smallest tiles, and keeping on the device only the part of the
pipeline that is at work. Knows no requests.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from generation.engine.devices import free_memory
from generation.engine.exceptions import DeviceLost
from generation.engine.plan import DECODED_AT_ONCE, PACKAGE_OF, Plan

logger = logging.getLogger(__name__)

TILING = DECODED_AT_ONCE[-1]
"""Pixels decoded at once."""

_MAIN_MEMORY_SHARE = 0.8
"""Of what is free there, that the weights may take when they wait in it."""


def can_save(pipeline: Any, plan: Plan, device: torch.device, pixels: int) -> bool:
    """Whether a picture of so many pixels needs less memory frugally than by `plan`."""
    return pixels > TILING < plan.tiling or _can_offload(pipeline, plan, device)


@contextmanager
def frugally(pipeline: Any, plan: Plan, device: torch.device) -> Iterator[None]:
    """Within it, the parts of a pipeline that lies on a CUDA device are brought there only while they work.

    Raises DeviceLost if they do not find room there again.
    """
    if not _can_offload(pipeline, plan, device):
        yield
        return
    logger.warning("Memory is short on %s: one picture is drawn with the waiting parts in main memory.", device)
    with offloaded(pipeline, device):
        yield


@contextmanager
def offloaded(pipeline: Any, device: torch.device) -> Iterator[None]:
    """Within it, the parts wait in main memory; afterwards they are on `device` as before, without hooks."""
    try:
        pipeline.enable_model_cpu_offload(device=device)
        yield
    finally:
        pipeline.remove_all_hooks()
        try:
            pipeline.to(device)
        except RuntimeError as error:
            raise DeviceLost(
                f"The model does not fit back into the memory of {device}, which another process may have taken; this "
                "worker must be started again."
            ) from error


def _can_offload(pipeline: Any, plan: Plan, device: torch.device) -> bool:
    """Packed weights stay: what moving does to them differs from package to package."""
    if device.type != "cuda" or plan.offload != "none" or plan.quantization in PACKAGE_OF:
        return False
    parts = (pipeline.transformer, pipeline.text_encoder, pipeline.vae)
    weights: int = sum(tensor.nbytes for part in parts for tensor in part.parameters())
    return weights < _MAIN_MEMORY_SHARE * free_memory(torch.device("cpu"))
