"""A loaded model that draws: requests in, PIL images out, a report after each step.

Owns the call of the pipeline and what is done when memory runs out. Imports torch; knows no queue, no rows, no files.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from generation.engine import devices, failures, frugal, lora_files, packed
from generation.engine.admission import Admission
from generation.engine.card import describe
from generation.engine.exceptions import DrawingCancelled, OutOfMemory, UnsupportedRequest
from generation.engine.fetching import fetch
from generation.engine.loading import be_quiet, load_pipeline, measure
from generation.engine.loras import Loras
from generation.engine.placing import limit_decoding, place
from generation.engine.plan import Device, Plan, make_plan
from generation.engine.preview import PreviewMatrix
from generation.engine.prompts import PromptEncoder
from generation.engine.quantization import installed_packages
from generation.engine.run import AllDropped, Run
from generation.engine.sources import check_class, find_source
from generation.engine.types import DeviceState, DrawRequest, Engine, EngineOptions, ModelCard, StepCallback

logger = logging.getLogger(__name__)

_LARGEST_SEED = 2**63 - 1


def load(options: EngineOptions, on_progress: Callable[[float, str], None] | None = None) -> Engine:
    """Load the model of `options`; `on_progress` is told the share done, 0 to 1, and what comes next.

    Raises ModelNotFound, ModelBroken, OutOfMemory, or EngineError for an option that makes no sense here.
    """
    tell = on_progress or (lambda _share, _what: None)
    be_quiet()
    device = devices.choose_device(options.device)
    lora_files.check(options)
    tell(0.05, "Looking for the model")
    source = find_source(options, device)
    read_from = 0.55 if source.folder is None else 0.15
    source = fetch(source, options.cache_dir, lambda share, what: tell(0.05 + 0.5 * share, what))
    check_class(source)
    size = measure(source)
    packages = installed_packages()
    wishes = packed.wishes(source, options, device.type, packages)
    plan = make_plan(Device(device.type, devices.free_memory(device)), size, wishes, packages)
    logger.info("%s: %s", source.label, plan.reason)
    tell(read_from, f"Reading {source.label}")
    with devices.current(device):
        pipeline = load_pipeline(source, plan)
    tell(0.75, f"Moving it to {device}")
    place(pipeline, plan, options, device)
    card = describe(pipeline, source, size, plan, options, device)
    _set_threads(options.threads, card, device)
    tell(0.9, "Preparing previews")
    matrix = PreviewMatrix.fit(pipeline.vae, device)
    pipeline.maybe_free_model_hooks()
    tell(1.0, "Ready")
    return PipelineEngine(pipeline, card, device, matrix, plan, options.lora_dir)


class PipelineEngine:
    """A `ZImagePipeline` on its device. One thread draws; nothing else may use the pipeline meanwhile.

    `prompts` remembers what it has encoded: clear it when the text encoder changes.
    """

    def __init__(
        self,
        pipeline: Any,
        card: ModelCard,
        device: torch.device,
        matrix: PreviewMatrix,
        plan: Plan,
        lora_dir: Path | None = None,
    ) -> None:
        self.card = card
        self.prompts = PromptEncoder(pipeline, max_tokens=card.max_prompt_tokens)
        self._pipeline = pipeline
        self._device = device
        self._matrix = matrix
        self._plan = plan
        self._loras = Loras(pipeline, lora_dir, plan.offload, device)
        self._admission = Admission(card.max_batch, device)

    @property
    def lora_hashes(self) -> Mapping[str, str]:
        return self._loras.hashes

    @property
    def cut_prompts(self) -> Mapping[str, int]:
        return self.prompts.cut

    def warm_up(self) -> None:
        """Draw one tiny picture, so that the first real one is not the slow one."""
        side = self.card.min_side
        self.draw([DrawRequest("a warm-up", width=side, height=side, steps=2, seed=0)], lambda _report: ())

    def device_state(self) -> DeviceState | None:
        """How full the device is now; None once it has failed."""
        return devices.state(self._device)

    def draw(self, requests: Sequence[DrawRequest], on_step: StepCallback) -> list[Image.Image | None]:
        """Draw `requests`, which share size, steps and guidance, in as few forwards as memory allows.

        `on_step` is called after each step in this thread and returns the indexes of requests to drop; their place in
        the result is None. If it raises, drawing stops and the engine stays usable. What does not fit into one
        forward is drawn and reported in parts, one after the other: see `StepReport.active`.

        Raises UnsupportedRequest or LoraUnusable before the first step; DrawingCancelled within the step in which the
        last request is dropped; OutOfMemory if one picture alone does not fit, frugally either; DeviceLost, after which
        the process must end.
        """
        self._check(requests)
        dropped: set[int] = set()
        with failures.explained(self.card.device):
            self._loras.wear(requests[0].loras)
            pictures = self._draw_in_parts(requests, dropped, on_step)
        if len(dropped) == len(requests):
            raise DrawingCancelled("The drawing was cancelled.")
        return [None if index in dropped else picture for index, picture in enumerate(pictures)]

    def _draw_in_parts(
        self, requests: Sequence[DrawRequest], dropped: set[int], on_step: StepCallback
    ) -> list[Image.Image | None]:
        """As many at once as fit; what turns out not to fit is drawn in smaller parts."""
        pictures: list[Image.Image | None] = [None] * len(requests)
        pixels = requests[0].width * requests[0].height
        waiting = list(range(len(requests)))
        while waiting := [index for index in waiting if index not in dropped]:
            part = waiting[: self._admission.pictures(pixels)]
            drawn = None
            if len(part) > 1 or self._admission.fits(pixels) or not self._can_be_frugal(pixels):
                drawn = self._attempt(requests, part, dropped, on_step)
                if drawn is None:
                    devices.release_memory(self._device)
                    self._admission.ran_out(pixels, len(part))
                    if len(part) > 1:
                        continue
            if drawn is None:
                drawn = self._attempt_frugally(requests, part, dropped, on_step)
            for index, picture in zip(part, drawn, strict=True):
                pictures[index] = picture
            waiting = waiting[len(part) :]
        return pictures

    def _can_be_frugal(self, pixels: int) -> bool:
        return frugal.can_save(self._pipeline, self._plan, self._device, pixels)

    def _attempt_frugally(
        self, requests: Sequence[DrawRequest], part: list[int], dropped: set[int], on_step: StepCallback
    ) -> list[Image.Image | None]:
        """The one picture of `part`, from its first step, in as little memory as can be."""
        first, drawn = requests[0], None
        if self._can_be_frugal(first.width * first.height):
            with frugal.frugally(self._pipeline, self._plan, self._device):
                drawn = self._attempt(requests, part, dropped, on_step, tiling=frugal.TILING)
            devices.release_memory(self._device)
        if drawn is None:
            raise OutOfMemory(
                f"A picture of {first.width} x {first.height} does not fit into the memory of "
                f"{self.card.device}; ask for a smaller one."
            )
        return drawn

    def _attempt(
        self,
        requests: Sequence[DrawRequest],
        part: list[int],
        dropped: set[int],
        on_step: StepCallback,
        *,
        tiling: int | None = None,
    ) -> list[Image.Image | None] | None:
        """The pictures of `part`, or None if memory ran out. Has no exception alive on return, whose frames would
        hold on to the very memory that the next attempt needs."""
        first, at_once = requests[0], tiling or self._plan.tiling
        limit_decoding(self._pipeline.vae, at_once, self._pipeline.vae_scale_factor, first.width, first.height)
        run = Run(self._pipeline, self.prompts, self._matrix, requests, part, dropped, on_step)
        try:
            with self._admission.measured(first.width * first.height, len(part)):
                return run.draw()
        except AllDropped:
            return [None] * len(part)
        except (RuntimeError, MemoryError) as error:
            if failures.is_out_of_memory(error):
                return None
            raise
        finally:
            if not run.finished:
                self._pipeline.maybe_free_model_hooks()

    def _check(self, requests: Sequence[DrawRequest]) -> None:
        if not requests:
            raise UnsupportedRequest("There is nothing to draw; ask for at least one picture.")
        card, first = self.card, requests[0]
        alike = {
            (request.width, request.height, request.steps, request.guidance, request.loras) for request in requests
        }
        if len(alike) > 1:
            raise UnsupportedRequest("Pictures drawn together need the same size, steps, guidance and LoRAs.")
        if any(request.start for request in requests):
            self._check_start(requests)
        for name, side in (("width", first.width), ("height", first.height)):
            if side % card.size_step or not card.min_side <= side <= card.max_side:
                raise UnsupportedRequest(
                    f"The {name} is {side}; {card.name} needs a multiple of {card.size_step} "
                    f"from {card.min_side} to {card.max_side}."
                )
        if first.width * first.height > card.max_pixels:
            raise UnsupportedRequest(
                f"A picture of {first.width} x {first.height} has more than the {card.max_pixels} pixels that "
                f"{card.name} draws; choose a smaller size."
            )
        if not 1 <= first.steps <= card.max_steps:
            raise UnsupportedRequest(f"{first.steps} steps are asked for; choose 1 to {card.max_steps}.")
        if not 0.0 <= first.guidance <= 20.0:
            raise UnsupportedRequest(f"The guidance is {first.guidance}; choose 0 to 20.")
        for request in requests:
            if not 0 <= request.seed <= _LARGEST_SEED:
                raise UnsupportedRequest(f"The seed is {request.seed}; choose 0 to {_LARGEST_SEED}.")
            if not 0.0 <= request.variation <= 1.0:
                raise UnsupportedRequest(f"The variation is {request.variation}; choose 0 to 1.")

    def _check_start(self, requests: Sequence[DrawRequest]) -> None:
        start = requests[0].start
        if not self.card.can_start_from_image:
            raise UnsupportedRequest(f"{self.card.name} cannot start from a picture; ask for one without a start.")
        if start is None or len(requests) > 1:
            raise UnsupportedRequest("A picture that starts from another is drawn alone.")
        if not 0.0 < start.strength <= 1.0:
            raise UnsupportedRequest(f"The strength is {start.strength}; choose more than 0, at most 1.")


def _set_threads(wanted: int, card: ModelCard, device: torch.device) -> None:
    if wanted > 0:
        torch.set_num_threads(wanted)
    elif card.is_starter and device.type == "cpu":
        torch.set_num_threads(1)
