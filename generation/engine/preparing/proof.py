"""One small picture from a prepared model: the proof that this machine can draw with it, without any network."""

from __future__ import annotations

import dataclasses
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from generation.engine.devices import choose_device, free_memory
from generation.engine.exceptions import ModelBroken, OutOfMemory
from generation.engine.prepared import Record
from generation.engine.types import DrawRequest, EngineOptions

_ROOM = 1.2  # what loading takes above the weights themselves


@dataclass(frozen=True, slots=True)
class Proof:
    """A picture of `side` pixels was drawn in `seconds`; or none, and then `why_not` says so in a clause."""

    side: int = 0
    seconds: float = 0.0
    why_not: str = ""


def prove(folder: Path, record: Record, options: EngineOptions) -> Proof:
    """Load what lies in `folder` as a worker would, and draw. ModelBroken if that gives no picture.

    A machine that only lacks the memory at the moment says nothing against the model: then there is no picture, and
    the proof says why.
    """
    device = choose_device(options.device)
    dtype, quantization = options.dtype, options.quantization
    if record.quantization != "none":  # whatever the worker's settings say: what was made is looked at
        dtype, quantization = record.dtype, record.quantization
    if device.type == "cpu":
        dtype = record.dtype if dtype == "auto" else dtype  # the worker's float32 would take twice the memory
        if free_memory(device) < record.size * _ROOM:
            return Proof(why_not="it does not fit into the memory that is free")
    # Imports diffusers, which nobody should wait for whose model is refused before it comes to a picture.
    from generation.engine.engine import load

    options = dataclasses.replace(
        options, model=str(folder), transformer="", dtype=dtype, quantization=quantization, compile=False
    )
    try:
        engine = load(options)
        side = engine.card.min_side
        start = time.monotonic()
        request = DrawRequest("a red fox in snow", side, side, engine.card.default_steps, seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of numbers that are not numbers: seen below
            (picture,) = engine.draw([request], lambda _report: ())
    except OutOfMemory:
        return Proof(why_not=f"it does not fit into the memory of {device} that is free")
    except ModelBroken as error:
        raise ModelBroken(
            f"{record.id} is here whole, but this program cannot load it; choose another model or update the program."
        ) from error
    # Numbers that are not numbers come out black.
    if picture is None or all(low == high for low, high in _extremes(picture.getextrema())):
        raise ModelBroken(
            f"{record.id} draws nothing in {dtype}; prepare it with --dtype float32 or choose another model."
        )
    return Proof(side=side, seconds=time.monotonic() - start)


def _extremes(found: object) -> list[tuple[float, float]]:
    return [pair for pair in found if isinstance(pair, tuple)] if isinstance(found, tuple) else []
