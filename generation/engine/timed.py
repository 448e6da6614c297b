"""An engine for benchmarks: a flat picture after a set time, so that what is measured is everything around the drawing.

Chosen by `ZIMAGE_MODEL=timed:<seconds per megapixel-step>`, and only where the site is marked as a benchmark: nobody is
to find flat pictures in a gallery by mistake. It reports steps, gives previews and can be cancelled as a pipeline does.
Imports no torch, so a worker with it starts at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import PIL
from PIL import Image

from generation.engine.exceptions import DrawingCancelled, EngineError, UnsupportedRequest
from generation.engine.types import DrawRequest, EngineOptions, ModelCard, StepCallback, StepReport

PREFIX = "timed:"
_PREVIEW_SIDE = 256


def load(options: EngineOptions, on_progress: Callable[[float, str], None] | None = None) -> TimedEngine:
    """The engine that `options.model` describes. EngineError unless the site is a benchmark and the time a number."""
    if not options.benchmark:
        raise EngineError(
            f"ZIMAGE_MODEL is “{options.model}”, which draws flat pictures to measure the rest of a site; "
            "set it to auto, or mark this site as a benchmark with ZIMAGE_BENCHMARK=on."
        )
    try:
        seconds = float(options.model.removeprefix(PREFIX))
    except ValueError:
        seconds = -1.0
    if not 0.0 < seconds <= 3_600.0:  # NaN fails this as well
        raise EngineError(
            f"ZIMAGE_MODEL is “{options.model}”; after {PREFIX} comes the time of a megapixel-step, "
            f"such as {PREFIX}0.5 for half a second."
        )
    if on_progress is not None:
        on_progress(1.0, "Ready")
    return TimedEngine(seconds, max_batch=options.max_batch or 1)


class TimedEngine:
    """Takes `seconds` for each megapixel-step of each picture: pictures in a batch take as long as one by one."""

    def __init__(self, seconds: float, *, max_batch: int = 1) -> None:
        self._seconds = seconds
        self.card = ModelCard(
            name="Timed engine",
            source=f"{PREFIX}{seconds:g}",
            revision="1",
            device="none",
            dtype="none",
            size_step=16,
            min_side=64,
            max_side=2_048,
            max_pixels=2_048 * 2_048,
            native_pixels=256 * 256,
            default_steps=8,
            max_steps=50,
            default_guidance=0.0,
            max_prompt_tokens=512,
            max_batch=max_batch,
            is_starter=False,
            versions={"pillow": PIL.__version__},
        )

    @property
    def lora_hashes(self) -> Mapping[str, str]:
        return {}  # a flat picture has no use for them

    @property
    def cut_prompts(self) -> Mapping[str, int]:
        return {}  # nor is a prompt ever too long

    def warm_up(self) -> None:
        """Nothing here is slower the first time."""

    def device_state(self) -> None:
        """It has no device."""

    def draw(self, requests: Sequence[DrawRequest], on_step: StepCallback) -> list[Image.Image | None]:
        """One flat picture per request, of a colour that its seed decides; None for a dropped one.

        Raises UnsupportedRequest before the first step, DrawingCancelled within the step that drops the last request.
        """
        first = self._checked(requests)
        passes = 2 if first.guidance > 0 else 1
        seconds_per_step = self._seconds * first.width * first.height / 1e6 * passes
        dropped: set[int] = set()
        for step in range(1, first.steps + 1):
            active = tuple(index for index in range(len(requests)) if index not in dropped)
            time.sleep(seconds_per_step * len(active))
            report = StepReport(step, first.steps, partial(_previews, requests, active), active)
            dropped.update(index for index in on_step(report) if 0 <= index < len(requests))
            if len(dropped) == len(requests):
                raise DrawingCancelled("The drawing was cancelled.")
        return [
            None if index in dropped else Image.new("RGB", (request.width, request.height), _colour(request.seed))
            for index, request in enumerate(requests)
        ]

    def _checked(self, requests: Sequence[DrawRequest]) -> DrawRequest:
        if len({(request.width, request.height, request.steps, request.guidance) for request in requests}) != 1:
            raise UnsupportedRequest("Pictures drawn together need the same size, number of steps and guidance.")
        card, first = self.card, requests[0]
        sides = (first.width, first.height)
        if any(side % card.size_step or not card.min_side <= side <= card.max_side for side in sides):
            raise UnsupportedRequest(
                f"{first.width} x {first.height} was asked for; {card.name} needs multiples of {card.size_step} "
                f"from {card.min_side} to {card.max_side}."
            )
        return first


def _colour(seed: int) -> tuple[int, int, int]:
    return (seed * 67 % 256, seed * 131 % 256, seed * 197 % 256)


def _previews(requests: Sequence[DrawRequest], active: tuple[int, ...]) -> list[Image.Image | None]:
    previews: list[Image.Image | None] = []
    for index, request in enumerate(requests):
        scale = min(1.0, _PREVIEW_SIDE / max(request.width, request.height))
        size = (max(1, round(request.width * scale)), max(1, round(request.height * scale)))
        previews.append(Image.new("RGB", size, _colour(request.seed)) if index in active else None)
    return previews
