"""How many pictures are drawn in one forward: as many as pay, and as many as fit by what earlier ones have cost.

Owns both limits: the one that is known before anything was drawn, and the one that is learnt from the memory that
forwards have taken and from those that ran out of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from generation.engine import devices

_GIBIBYTE = 1024**3
_SHARE = 0.9
"""Of the free memory, that a forward is expected to fill at most: what lies scattered cannot be used."""
_REMEMBERED_SECONDS = 600.0
"""Memory may have been short because another process had it."""


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


class Admission:
    """What one device has been seen to bear. Not thread-safe: one thread draws."""

    def __init__(self, most: int, device: torch.device, clock: Callable[[], float] = time.monotonic) -> None:
        """most: pictures in a forward, however small they are."""
        self._most, self._device, self._clock = most, device, clock
        self._largest = 0  # pixels of the forward by which the cost was measured: small ones are mostly overhead
        self._bytes_per_pixel = 0.0
        self._ran_out_at: dict[bool, tuple[float, int]] = {}

    def pictures(self, pixels: int) -> int:
        """How many pictures of so many pixels each are worth trying in one forward; at least 1."""
        most = self._most
        if (limit := self._limit(alone=False)) is not None:
            most = min(most, limit // pixels)
        if self._bytes_per_pixel:
            most = min(most, int(_SHARE * devices.room(self._device) / (self._bytes_per_pixel * pixels)))
        return max(1, most)

    def fits(self, pixels: int) -> bool:
        """Whether one picture of so many pixels is worth trying as it is: none as small ran out of memory lately."""
        limit = self._limit(alone=True)
        return limit is None or pixels < limit

    def ran_out(self, pixels: int, count: int) -> None:
        """A forward of `count` pictures did not fit: for some minutes, half as much is the most."""
        alone = count == 1
        self._ran_out_at[alone] = (self._clock(), pixels if alone else pixels * -(-count // 2))

    @contextmanager
    def measured(self, pixels: int, count: int) -> Iterator[None]:
        """Within it, such a forward runs: learn what it takes, where the device counts that."""
        before = devices.begin_peak(self._device)
        yield
        if before is not None and pixels * count >= self._largest:
            self._largest = pixels * count
            self._bytes_per_pixel = (devices.peak(self._device) - before) / self._largest

    def _limit(self, *, alone: bool) -> int | None:
        when, pixels = self._ran_out_at.get(alone, (0.0, 0))
        return pixels if pixels and self._clock() - when < _REMEMBERED_SECONDS else None
