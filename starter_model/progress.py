"""What the stages of training share: rates, number formats, checkpoints that survive a kill, and words on progress."""

from __future__ import annotations

import logging
import math
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

logger = logging.getLogger(__name__)
_SAVE_SECONDS = 60.0
_TELL_STEPS = 100


def cosine(step: int, steps: int, warm: int, last: float = 0.01) -> float:
    """A factor for the learning rate: up within `warm` steps, then down along a half cosine to `last`."""
    return min(1.0, (step + 1) / warm) * (last + (1 - last) * 0.5 * (1 + math.cos(math.pi * step / steps)))


def rate(step: int, steps: int, warm: int, fall: float = 0.3) -> float:
    """A factor for the learning rate: up within `warm` steps, level, and down to nothing over the last `fall` of them.

    Level rates let a longer training go on from a shorter one's checkpoint, taken before the fall.
    """
    return min(1.0, (step + 1) / warm, (steps - step) / (fall * steps))


def mixed_precision(device: torch.device) -> AbstractContextManager[Any]:
    return torch.autocast(device.type, torch.bfloat16)


class Checkpoints:
    """The state of one stage in one file, written whole or not at all."""

    def __init__(self, path: Path, parts: dict[str, Any]) -> None:
        """parts: whatever has state_dict and load_state_dict."""
        self._path, self._parts = path, parts
        self._saved = self._told = time.monotonic()
        self._means: dict[str, float] = {}

    def restore(self) -> int:
        """Take up what was saved; the step to go on with."""
        if not self._path.is_file():
            return 0
        state = torch.load(self._path, weights_only=True, map_location="cpu")
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state["rng"])
        logger.info("going on with %s after step %d", self._path.name, state["step"])
        return int(state["step"])

    def tell(self, step: int, steps: int, **values: Tensor) -> None:
        """After each step: note its values, log their running means, save now and then and at the end."""
        for name, value in values.items():
            value = value.detach()
            known = self._means.setdefault(name, float(value))
            self._means[name] = known + 0.02 * (float(value) - known)
        if (step + 1) % _TELL_STEPS == 0:
            now = time.monotonic()
            said = " ".join(f"{name} {value:.5f}" for name, value in self._means.items())
            logger.info(
                "%s %d/%d %s, %.3f s a step", self._path.stem, step + 1, steps, said, (now - self._told) / _TELL_STEPS
            )
            self._told = now
        if step + 1 == steps or time.monotonic() - self._saved > _SAVE_SECONDS:
            self.save(step + 1)

    def save(self, step: int) -> None:
        state = {name: part.state_dict() for name, part in self._parts.items()}
        beside = self._path.with_suffix(".new")
        torch.save(state | {"step": step, "rng": torch.get_rng_state()}, beside)
        beside.replace(self._path)
        self._saved = time.monotonic()
