"""One call of the pipeline: first latents and prompts in, a report after each step, pictures out.

Knows nothing of memory that runs out, and nothing of what is drawn before or after.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from PIL import Image

from generation.engine.exceptions import UnsupportedRequest
from generation.engine.image_to_image import draw_from_picture
from generation.engine.preview import PreviewMatrix, estimate_picture
from generation.engine.prompts import PromptEncoder
from generation.engine.types import DrawRequest, StepCallback, StepReport
from generation.engine.variation import early_steps, varied


class AllDropped(Exception):
    """Leaves the pipeline from within its step callback."""


class Run:
    """One call of the pipeline for the requests of `part`; `dropped` is shared with the other runs of a batch."""

    def __init__(
        self,
        pipeline: Any,
        prompts: PromptEncoder,
        matrix: PreviewMatrix,
        requests: Sequence[DrawRequest],
        part: list[int],
        dropped: set[int],
        on_step: StepCallback,
    ) -> None:
        self.pipeline, self.prompts, self.matrix, self.on_step = pipeline, prompts, matrix, on_step
        self.requests, self.part, self.dropped = requests, part, dropped
        self.finished = False

    def draw(self) -> list[Image.Image | None]:
        chosen = [self.requests[index] for index in self.part]
        first = chosen[0]
        if first.start:
            return self._draw_from_picture(first)
        # The first latents are made here, from one CPU generator each, and not in the call: the preview of the first
        # step needs them, and they are the same on every device.
        self.latents = self.pipeline.prepare_latents(
            len(chosen),
            self.pipeline.transformer.in_channels,
            first.height,
            first.width,
            torch.float32,
            self.pipeline._execution_device,
            [torch.Generator("cpu").manual_seed(request.seed) for request in chosen],
        )
        pictures: list[Image.Image | None] = self.pipeline(
            **self._encode(chosen),
            height=first.height,
            width=first.width,
            num_inference_steps=first.steps,
            guidance_scale=first.guidance,
            latents=self.latents,
            callback_on_step_end=self._on_step_end,
        ).images
        self._require_numbers()
        self.matrix.learn(self.latents, [picture for picture in pictures if picture is not None])
        self.finished = True
        return pictures

    def _encode(self, chosen: Sequence[DrawRequest]) -> dict[str, Any]:
        """The prompts as the pipeline takes them for the first steps."""
        self.embeddings = self.prompts.encode([request.prompt for request in chosen])
        early = varied(self.embeddings, chosen)
        self.last_early_step = early_steps(chosen[0].steps) if early else 0
        negative = [request.negative_prompt for request in chosen]
        return {
            "prompt_embeds": early or self.embeddings,
            "negative_prompt_embeds": self.prompts.encode(negative) if chosen[0].guidance > 0 else None,
        }

    def _draw_from_picture(self, request: DrawRequest) -> list[Image.Image | None]:
        def begin(latents: torch.Tensor) -> None:
            self.latents = latents

        picture = draw_from_picture(
            self.pipeline,
            request,
            **self._encode([request]),
            on_latents=begin,
            on_step_end=self._on_step_end,
        )
        self._require_numbers()
        self.finished = True
        return [picture]

    def _require_numbers(self) -> None:
        """What overflowed was decoded to black, which nobody has asked for."""
        if not self.latents.isfinite().all():
            raise UnsupportedRequest(
                "The model's numbers overflowed and nothing was drawn; set ZIMAGE_DTYPE to bfloat16 or float32, or "
                "leave out the LoRA."
            )

    def _on_step_end(self, pipeline: Any, step: int, _timestep: object, tensors: dict[str, Any]) -> dict[str, Any]:
        before, after = self.latents, tensors["latents"]
        self.latents = after
        # What starts from a picture leaves out the first steps.
        sigmas = pipeline.scheduler.sigmas[-1 - pipeline.num_timesteps :]
        part = self.part
        active = tuple(index for index in part if index not in self.dropped)

        def previews() -> list[Image.Image | None]:
            small: list[Image.Image | None] = [None] * len(self.requests)
            estimate = estimate_picture(before, after, sigmas[step], sigmas[step + 1])
            for index, picture in zip(part, self.matrix.pictures(estimate), strict=True):
                if index in active:
                    small[index] = picture
            return small

        report = StepReport(step=step + 1, steps=pipeline.num_timesteps, previews=previews, active=active)
        unwanted: Collection[int] = self.on_step(report)
        self.dropped.update(index for index in unwanted if 0 <= index < len(self.requests))
        if self.dropped.issuperset(self.part):
            raise AllDropped
        # From the next step on the prompt is what it says.
        return {"prompt_embeds": self.embeddings} if step + 1 == self.last_early_step else {}
