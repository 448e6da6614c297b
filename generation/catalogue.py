"""What can be asked for: the model that is loaded, its limits, and the shapes that suit it.

The worker that loaded the model writes its limits into its row; a web process reads them there and never imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from generation.loras import MAX_LORAS, MAX_WEIGHT
from generation.models import Worker

MAX_PROMPT_LENGTH = 2_000  # characters
MAX_COUNT = 10  # pictures in one request
MAX_SEED = 2**53 - 1  # the largest whole number that every JSON reader keeps exactly
MAX_GUIDANCE = 20.0


class ShapeJSON(TypedDict):
    ratio: str
    css: str
    width: int
    height: int


_RATIOS = ((1, 1), (4, 3), (3, 4), (3, 2), (16, 9), (9, 16))


@dataclass(frozen=True, slots=True)
class Model:
    """The model that people draw with, as far as asking for a picture needs to know. Sizes in pixels."""

    name: str = "Z-Image-Turbo"
    source: str = ""
    is_starter: bool = False
    size_step: int = 16
    min_side: int = 64
    max_side: int = 2_048
    max_pixels: int = 2_048 * 2_048
    native_pixels: int = 1_024 * 1_024
    default_steps: int = 8
    max_steps: int = 50
    default_guidance: float = 0.0
    max_prompt_tokens: int = 1_504  # of a longer prompt the rest is not read
    loras: Sequence[dict[str, Any]] = ()  # each with `name` and `triggers`
    can_start_from_image: bool = True

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> Model:
        """The model from what a worker wrote (`engine.types.ModelCard.as_dict`); unknown keys are left alone."""
        return cls(**{name: card[name] for name in cls.__dataclass_fields__ if name in card})

    def shape(self, across: int, down: int) -> ShapeJSON:
        """The size of that ratio nearest to the area at which the model draws best, within its limits."""
        side = math.sqrt(self.native_pixels)
        wide, high = side * math.sqrt(across / down), side * math.sqrt(down / across)
        shrink = min(1.0, self.max_side / max(wide, high))

        def fit(length: float) -> int:
            steps = max(1, round(length * shrink / self.size_step))
            return max(math.ceil(self.min_side / self.size_step), steps) * self.size_step

        return {
            "ratio": f"{across}:{down}",
            "css": f"{across}-{down}",
            "width": fit(wide),
            "height": fit(high),
        }

    @property
    def shapes(self) -> list[ShapeJSON]:
        return [self.shape(across, down) for across, down in _RATIOS]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "shapes": self.shapes,
            "max_prompt_length": MAX_PROMPT_LENGTH,
            "max_count": MAX_COUNT,
            "max_seed": MAX_SEED,
            "max_loras": MAX_LORAS,
            "max_lora_weight": MAX_WEIGHT,
        }


def current_model() -> Model:
    """The model of a live worker, else the last one seen, else Z-Image-Turbo's own limits."""
    workers = [worker for worker in Worker.objects.order_by("-seen_at")[:20] if worker.card]
    best = next((worker for worker in workers if worker.is_ready), workers[0] if workers else None)
    return Model.from_card(best.card) if best else Model()
