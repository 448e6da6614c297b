"""One request, checked: every limit that it breaks is named, all at once."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.utils.translation import gettext as _

from generation import loras as lora_choices
from generation import starting
from generation.catalogue import MAX_COUNT, MAX_GUIDANCE, MAX_PROMPT_LENGTH, MAX_SEED, STYLES, Model
from generation.exceptions import FieldError, InvalidParameters
from generation.loras import LoraChoice
from generation.starting import drawn_steps

_RANDOM_SEEDS = 2**32  # short enough to read out, plenty to choose from


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one batch is drawn from. `seed` None stands for a random one; picture i of the batch uses `seed + i`."""

    prompt: str
    width: int
    height: int
    steps: int
    guidance: float = 0.0
    seed: int | None = None
    count: int = 1
    style: str = ""
    loras: tuple[LoraChoice, ...] = ()
    init_image: str = ""
    mask: str = ""
    strength: float | None = None

    @classmethod
    def checked(
        cls,
        model: Model,
        *,
        prompt: str,
        width: int | None = None,
        height: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        seed: int | None = None,
        count: int = 1,
        style: str = "",
        loras: Iterable[LoraChoice] = (),
        init_image: str | None = None,
        mask: str | None = None,
        strength: float | None = None,
    ) -> Parameters:
        """Fill in the model's defaults and hold every field to its limit.

        Raises InvalidParameters with one entry for each field that cannot be taken.
        """
        square = model.shape(1, 1)
        parameters = cls(
            prompt=prompt.strip(),
            width=square["width"] if width is None else width,
            height=square["height"] if height is None else height,
            steps=model.default_steps if steps is None else steps,
            guidance=model.default_guidance if guidance is None else guidance,
            seed=seed,
            count=count,
            style=style,
            loras=lora_choices.chosen(loras),
            init_image=init_image or "",
            mask=mask or "",
            strength=starting.DEFAULT_STRENGTH if init_image and strength is None else strength,
        )
        errors = [*parameters._text_errors(), *parameters._size_errors(model), *parameters._number_errors(model)]
        errors += lora_choices.errors(parameters.loras, [lora["name"] for lora in model.loras])
        if errors:
            raise InvalidParameters(errors)
        if errors := parameters._start_errors(model):
            raise InvalidParameters(errors)
        return parameters

    @property
    def cost(self) -> float:
        """Work of one picture in megapixel-steps; guidance draws each step twice."""
        return self.width * self.height / 1e6 * drawn_steps(self.steps, self.strength) * (2 if self.guidance > 0 else 1)

    @property
    def fingerprint(self) -> str:
        """Equal for equal requests: tells a repeated request from another one under the same Idempotency-Key."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def seeds(self) -> list[int]:
        first = secrets.randbelow(_RANDOM_SEEDS) if self.seed is None else self.seed
        return [first + offset for offset in range(self.count)]

    def _start_errors(self, model: Model) -> list[FieldError]:
        return starting.errors(
            can_start=model.can_start_from_image,
            steps=self.steps,
            init_image=self.init_image,
            mask=self.mask,
            strength=self.strength,
        )

    def _text_errors(self) -> list[FieldError]:
        errors = []
        if not self.prompt:
            errors.append(FieldError("prompt", _("Describe the picture: the prompt is empty."), 1))
        elif len(self.prompt) > MAX_PROMPT_LENGTH:
            message = _("The prompt has %(length)d characters; the limit is %(limit)d.")
            values = {"length": len(self.prompt), "limit": MAX_PROMPT_LENGTH}
            errors.append(FieldError("prompt", message % values, MAX_PROMPT_LENGTH))
        elif "\x00" in self.prompt or any("\ud800" <= character <= "\udfff" for character in self.prompt):
            errors.append(FieldError("prompt", _("The prompt holds a character that is not text. Remove it.")))
        if self.style not in STYLES:
            allowed = ", ".join(key for key in STYLES if key)
            message = _("The style is not known. Choose one of: %(allowed)s.") % {"allowed": allowed}
            errors.append(FieldError("style", message, allowed))
        return errors

    def _size_errors(self, model: Model) -> list[FieldError]:
        errors = []
        names = {"width": _("The width"), "height": _("The height")}
        for field, side in (("width", self.width), ("height", self.height)):
            values = {"name": names[field], "least": model.min_side, "most": model.max_side, "step": model.size_step}
            if not model.min_side <= side <= model.max_side:
                message = _("%(name)s must be between %(least)d and %(most)d pixels.") % values
                limit = model.max_side if side > model.max_side else model.min_side
                errors.append(FieldError(field, message, limit))
            elif side % model.size_step:
                message = _("%(name)s must be a multiple of %(step)d pixels.") % values
                errors.append(FieldError(field, message, model.size_step))
        if not errors and self.width * self.height > model.max_pixels:
            message = _("The picture would have %(pixels).1f megapixels; the limit is %(limit).1f.")
            values = {"pixels": self.width * self.height / 1e6, "limit": model.max_pixels / 1e6}
            errors.append(FieldError("width", message % values, model.max_pixels))
        return errors

    def _number_errors(self, model: Model) -> list[FieldError]:
        errors = []
        between = _("%(name)s must be between %(least)s and %(most)s.")

        def check(field: str, name: str, value: float, least: float, most: float) -> None:
            if not least <= value <= most:  # NaN fails this as well
                message = between % {"name": name, "least": f"{least:g}", "most": f"{most:,.0f}".replace(",", " ")}
                errors.append(FieldError(field, message, most if value > most else least))

        check("steps", _("The number of steps"), self.steps, 1, model.max_steps)
        check("guidance", _("The guidance"), self.guidance, 0, MAX_GUIDANCE)
        check("count", _("The number of pictures"), self.count, 1, MAX_COUNT)
        if self.seed is not None:
            last = self.seed + max(0, min(self.count, MAX_COUNT) - 1)  # the last picture's seed must fit as well
            check("seed", _("The seed"), self.seed if self.seed < 0 else last, 0, MAX_SEED)
        return errors
