"""Settings found in a picture, made to fit what can be asked for here. Every change is told in a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypedDict

from django.utils.translation import gettext as _

from gallery.metadata.settings import PictureSettings
from generation import loras, matrix, styles
from generation.catalogue import MAX_GUIDANCE, MAX_PROMPT_LENGTH, MAX_SEED, Model
from generation.loras import LoraJSON


class FittedJSON(TypedDict):
    """The fields of a request for pictures, None where the picture does not tell them."""

    prompt: str | None
    style: str
    width: int
    height: int
    steps: int | None
    guidance: float | None
    seed: int | None
    variation: float
    negative_prompt: str
    source: str
    loras: list[LoraJSON]
    notes: list[str]


def fitted(found: PictureSettings, model: Model) -> FittedJSON:
    """The settings as `Parameters.checked` takes them for `model`, and `notes` in the person's language."""
    return _Fitting(found, model).result()


@dataclass
class _Fitting:
    found: PictureSettings
    model: Model
    notes: list[str] = field(default_factory=list)

    def result(self) -> FittedJSON:
        width, height = self._size()
        negative_prompt = self._negative_prompt()
        return {
            "prompt": self._prompt(),
            "style": self._style(),
            "width": width,
            "height": height,
            "steps": self._steps(),
            "guidance": self._guidance(),
            "seed": self._seed(),
            "variation": self._variation(),
            "negative_prompt": negative_prompt,
            "source": self.found.source,
            "loras": self._loras(),
            "notes": self.notes,
        }

    def _prompt(self) -> str | None:
        prompt = self.found.prompt
        if prompt is None:
            self.notes.append(_("The picture does not tell its prompt."))
        elif len(prompt) > MAX_PROMPT_LENGTH:
            prompt = prompt[:MAX_PROMPT_LENGTH].rstrip()
            self.notes.append(_("The prompt was cut to %(limit)d characters.") % {"limit": MAX_PROMPT_LENGTH})
        return prompt and matrix.escaped(prompt)  # a picture shows one combination: braces in it are braces

    def _negative_prompt(self) -> str:
        negative = self.found.negative_prompt
        if negative and not self.model.default_guidance:
            self.notes.append(_("The negative prompt was left out: the model here does not use one."))
            return ""
        if len(negative) > MAX_PROMPT_LENGTH:
            self.notes.append(_("The negative prompt was cut to %(limit)d characters.") % {"limit": MAX_PROMPT_LENGTH})
        return negative[:MAX_PROMPT_LENGTH].rstrip()

    def _variation(self) -> float:
        """Other tools' pictures have none; one of ours that is out of its limits is no longer what was written."""
        variation = self.found.variation
        return variation if variation is not None and 0 <= variation <= 1 else 0.0

    def _style(self) -> str:
        if not self.found.style or self.found.style in styles.offered():
            return self.found.style
        self.notes.append(_("The style of the picture is not known here; none was chosen."))
        return ""

    def _size(self) -> tuple[int, int]:
        """The size nearest in shape and area that the model draws."""
        model, before = self.model, (self.found.width, self.found.height)
        least, most = math.ceil(model.min_side / model.size_step), model.max_side // model.size_step
        shrink = min(1.0, model.max_side / max(before), math.sqrt(model.max_pixels / (before[0] * before[1])))
        width, height = (min(max(least, round(side * shrink / model.size_step)), most) for side in before)
        while width * height * model.size_step**2 > model.max_pixels and max(width, height) > least:
            width, height = (width - 1, height) if width >= height else (width, height - 1)  # rounded up too far
        after = (width * model.size_step, height * model.size_step)
        if after != before:
            sizes = {"before": "{} × {}".format(*before), "after": "{} × {}".format(*after)}
            self.notes.append(_("The size was changed from %(before)s to %(after)s pixels to suit the model.") % sizes)
        return after

    def _steps(self) -> int | None:
        steps = self.found.steps
        if steps is not None and steps > self.model.max_steps:
            numbers = {"before": steps, "after": self.model.max_steps}
            self.notes.append(_("The steps were changed from %(before)d to %(after)d, the most here.") % numbers)
            return self.model.max_steps
        return steps

    def _guidance(self) -> float | None:
        guidance = self.found.guidance
        if not guidance:
            return guidance
        if not self.model.default_guidance and self.found.source != "Zimageweb":
            # A scale meant for another model would spoil what this one draws.
            self.notes.append(_("The guidance was left out: the model here does not use it."))
            return 0.0
        if guidance > MAX_GUIDANCE:
            numbers = {"before": f"{guidance:g}", "after": f"{MAX_GUIDANCE:g}"}
            self.notes.append(_("The guidance was changed from %(before)s to %(after)s, the most here.") % numbers)
            return MAX_GUIDANCE
        return guidance

    def _loras(self) -> list[LoraJSON]:
        found = loras.from_json([{"name": name, "weight": weight} for name, weight in self.found.loras])
        there_are = {lora["name"] for lora in self.model.loras}
        if missing := [name for name, _weight in self.found.loras if name not in there_are]:
            names = ", ".join(missing)[:500]
            self.notes.append(_("The picture was drawn with LoRAs that are not here: %(names)s.") % {"names": names})
        return loras.as_json([lora for lora in found if lora.name in there_are][: loras.MAX_LORAS])

    def _seed(self) -> int | None:
        seed = self.found.seed
        if seed is not None and seed > MAX_SEED:
            self.notes.append(_("The seed is larger than seeds can be here; a random one takes its place."))
            return None
        return seed
