"""One request, checked: every limit that it breaks is named, all at once."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from django.utils.translation import gettext as _

from generation import loras as lora_choices
from generation import matrix, starting, styles
from generation.catalogue import MAX_COUNT, MAX_GUIDANCE, MAX_PROMPT_LENGTH, MAX_SEED, Model
from generation.exceptions import FieldError, InvalidParameters
from generation.loras import LoraChoice
from generation.starting import drawn_steps
from generation.typed import cleaned

_RANDOM_SEEDS = 2**32  # short enough to read out, plenty to choose from


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one batch is drawn from. `seed` None stands for a random one; picture i of the batch uses `seed + i`.

    A prompt with alternatives (`matrix`) is drawn `count` times in each combination, all with the same seeds, so that
    pictures differ by the words alone.
    """

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
    variation: float = 0.0
    negative_prompt: str = ""

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
        variation: float = 0.0,
        negative_prompt: str = "",
    ) -> Parameters:
        """Fill in the model's defaults and hold every field to its limit. A negative prompt acts through guidance only:
        without guidance it is dropped, so that no record tells of one.

        Raises InvalidParameters with one entry for each field that cannot be taken.
        """
        square = model.shape(1, 1)
        parameters = cls(
            prompt=cleaned(prompt),
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
            variation=variation,
            negative_prompt=cleaned(negative_prompt),
        )
        errors = parameters._errors(model)
        errors += lora_choices.errors(parameters.loras, [lora["name"] for lora in model.loras])
        if errors:
            raise InvalidParameters(errors)
        if errors := parameters._start_errors(model):
            raise InvalidParameters(errors)
        return parameters if parameters.guidance > 0 else replace(parameters, negative_prompt="")

    def _errors(self, model: Model) -> list[FieldError]:
        text = self._text_errors() or self._matrix_errors()
        return [*text, *self._negative_errors(), *self._size_errors(model), *self._number_errors(model)]

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

    def pictures(self) -> list[tuple[str, int]]:
        """Prompt and seed of each picture, in order."""
        seeds = self.seeds()
        return [(prompt, seed) for prompt in matrix.expand(self.prompt) for seed in seeds]

    def _matrix_errors(self) -> list[FieldError]:
        combinations = matrix.combinations(self.prompt)
        if combinations == 1 and self.prompt:
            return []
        total = combinations * max(1, self.count)
        if combinations > 1 and total > MAX_COUNT >= self.count:
            message = _("The prompt stands for %(number)s pictures in all; the limit is %(limit)d.")
            number = _("more than a million") if total > 10**6 else str(total)
            return [FieldError("prompt", message % {"number": number, "limit": MAX_COUNT}, MAX_COUNT)]
        if combinations <= MAX_COUNT and self.prompt and not all(matrix.expand(self.prompt)):
            return [FieldError("prompt", _("One of the combinations is empty: describe a picture in each."), 1)]
        return []

    def _negative_errors(self) -> list[FieldError]:
        if len(self.negative_prompt) > MAX_PROMPT_LENGTH:
            message = _("The negative prompt has %(length)d characters; the limit is %(limit)d.")
            values = {"length": len(self.negative_prompt), "limit": MAX_PROMPT_LENGTH}
            return [FieldError("negative_prompt", message % values, MAX_PROMPT_LENGTH)]
        if _holds_no_text(self.negative_prompt):
            message = _("The negative prompt holds a character that is not text. Remove it.")
            return [FieldError("negative_prompt", message)]
        return []

    def _text_errors(self) -> list[FieldError]:
        errors = []
        if not self.prompt:
            errors.append(FieldError("prompt", _("Describe the picture: the prompt is empty."), 1))
        elif len(self.prompt) > MAX_PROMPT_LENGTH:
            message = _("The prompt has %(length)d characters; the limit is %(limit)d.")
            values = {"length": len(self.prompt), "limit": MAX_PROMPT_LENGTH}
            errors.append(FieldError("prompt", message % values, MAX_PROMPT_LENGTH))
        elif _holds_no_text(self.prompt):
            errors.append(FieldError("prompt", _("The prompt holds a character that is not text. Remove it.")))
        if self.style and self.style not in styles.offered():
            allowed = ", ".join(styles.offered())
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
        check("variation", _("The variation"), self.variation, 0, 1)
        check("count", _("The number of pictures"), self.count, 1, MAX_COUNT)
        if self.seed is not None:
            last = self.seed + max(0, min(self.count, MAX_COUNT) - 1)  # the last picture's seed must fit as well
            check("seed", _("The seed"), self.seed if self.seed < 0 else last, 0, MAX_SEED)
        return errors


def _holds_no_text(text: str) -> bool:
    """Characters that no database takes."""
    return "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)
