"""What errors of devices mean: that memory ran out, that the device has failed, or neither.

Owns telling them apart by type and by what drivers and libraries write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from generation.engine.exceptions import DeviceLost, EngineError, OutOfMemory

# What drivers and libraries write when the device, and not the request, has failed.
_DEVICE_MARKS = ("CUDA error", "HIP error", "CUDNN_STATUS", "cuDNN error", "CUBLAS_STATUS", "MPS backend", "NVML")
_MEMORY_MARKS = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller request could still succeed."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error) for mark in _MEMORY_MARKS)


def is_device_failure(error: BaseException) -> bool:
    """Whether nothing more can be expected of the device in this process."""
    if is_out_of_memory(error):
        return False
    if isinstance(error, torch.AcceleratorError):
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error) for mark in _DEVICE_MARKS)


@contextmanager
def explained(device: str) -> Iterator[None]:
    """Within it, an error by which `device` failed becomes DeviceLost, and one by which its memory ran out OutOfMemory.

    A failed device fails at everything, at putting things in order after the failure too: the error that comes out may
    hide the first one, and need not look like it.
    """
    try:
        yield
    except DeviceLost:
        raise
    except Exception as error:
        if any(is_device_failure(each) for each in _with_causes(error)):
            raise DeviceLost(f"The device {device} failed while drawing; this worker must be started again.") from error
        if is_out_of_memory(error) and not isinstance(error, EngineError):
            raise OutOfMemory(f"The memory of {device} ran out; ask for a smaller picture.") from error
        raise


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
