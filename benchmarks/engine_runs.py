"""One way to run the engine, timed in a process of its own, so that its memory and its compiler are its own.

`python -m benchmarks.engine_runs VARIANT FOLDER` prints one line of JSON for each size and batch. FOLDER is that of the
starter model.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from generation.engine.engine import PipelineEngine, load
from generation.engine.types import DrawRequest, EngineOptions

STEPS = 8
VARIANTS = ("eager", "compiled", "int8")
PROMPTS = (
    "violet dusk over still water",
    "a red fox in snow",
    "一只猫坐在窗台上",
    "an old lighthouse at night, waves below",
)


@dataclass(frozen=True)
class Setting:
    """What is drawn where: pictures of some sizes, some of them together."""

    sizes: tuple[int, ...]
    batches: tuple[int, ...]
    repeats: int
    matrix: int  # side of the matrices that show what the device can do at most


CPU = Setting(sizes=(128, 256, 384), batches=(1, 2, 4), repeats=3, matrix=1024)
CUDA = Setting(sizes=(512, 768, 1024, 2048), batches=(1, 2, 4), repeats=5, matrix=8192)


@dataclass(frozen=True)
class Run:
    """seconds and flop are for one picture, peak is in FLOP/s, memory in bytes."""

    device: str
    variant: str
    side: int
    batch: int
    seconds: float
    flop: float
    peak: float
    memory: int


def main(variant: str, folder: str) -> None:
    cuda = torch.cuda.is_available()
    setting, device = (CUDA, torch.device("cuda", 0)) if cuda else (CPU, torch.device("cpu"))
    engine = _open(variant, Path(folder), device)
    peak = _measure_peak(device, setting.matrix)
    for side in setting.sizes:
        draw = _drawing(engine, side)
        flop = 0.0 if variant != "eager" else _count(partial(draw, 1))
        for batch in setting.batches:
            if (variant != "eager" and batch > 1) or side * side * batch > 2048 * 2048:
                continue
            seconds, memory = _time(partial(draw, batch), setting.repeats, device)
            run = Run(engine.card.device, variant, side, batch, seconds / batch, flop, peak, memory)
            sys.stdout.write(json.dumps(asdict(run)) + "\n")
            sys.stdout.flush()


def _open(variant: str, starter: Path, device: torch.device) -> PipelineEngine:
    packed, compiled = ("int8" if variant == "int8" else "none"), variant == "compiled"
    if device.type == "cuda":
        from benchmarks.full_size import build_engine

        return build_engine(starter, device, compiled=compiled, packed=packed, max_batch=4)
    options = EngineOptions("auto", starter, device="cpu", quantization=packed, compile=compiled, max_batch=4)
    engine = load(options)
    assert isinstance(engine, PipelineEngine)
    return engine


def _drawing(engine: PipelineEngine, side: int) -> Callable[[int], None]:
    def draw(batch: int) -> None:
        requests = [DrawRequest(PROMPTS[place], side, side, STEPS, place) for place in range(batch)]
        engine.draw(requests, lambda _report: ())

    return draw


def _count(draw: Callable[[], None]) -> float:
    """FLOP of one picture whose prompt is known: matrix products, convolutions and attention, as torch counts them."""
    draw()
    with FlopCounterMode(display=False) as counter:
        draw()
    return float(counter.get_total_flops())


def _time(draw: Callable[[], None], repeats: int, device: torch.device) -> tuple[float, int]:
    """Median seconds, and bytes at the peak: of the device, on a CPU of the process from its start on."""
    draw()  # allocates, compiles, encodes the prompts
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = list(_timed(draw, repeats))
    if device.type == "cuda":
        return statistics.median(seconds), int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return statistics.median(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _timed(draw: Callable[[], None], repeats: int) -> Iterator[float]:
    for _ in range(repeats):
        began = time.perf_counter()
        draw()  # ends with pictures in main memory, so there is nothing to wait for
        yield time.perf_counter() - began


def _measure_peak(device: torch.device, side: int) -> float:
    """FLOP/s of the best of ten matrix products, in the number format and with the threads of the engine."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        began = time.perf_counter()
        for _ in range(4):
            one @ other
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, (time.perf_counter() - began) / 4)
    return 2 * side**3 / best


if __name__ == "__main__":
    main(*sys.argv[1:3])
