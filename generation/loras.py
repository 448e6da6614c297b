"""The LoRAs of a request: which and how strongly, held to what the model that is loaded has.

Stored and told as a list of `{"name", "weight"}`, by name: the same LoRAs are the same list, whatever the order in
which they were chosen, so that rows can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generation.exceptions import FieldError

MAX_LORAS = 4  # in one picture
MAX_WEIGHT = 2.0
_MOST_NAMED = 20  # of those there are, in an error


class LoraJSON(TypedDict):
    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class LoraChoice:
    """A LoRA by its name in the folder; weight 1 is as it was trained."""

    name: str
    weight: float = 1.0

    def as_json(self) -> LoraJSON:
        return {"name": self.name, "weight": self.weight}


def chosen(loras: Iterable[LoraChoice]) -> tuple[LoraChoice, ...]:
    """In the one order in which they are kept. Whole weights are floats too, or JSON would tell 1 from 1.0."""
    return tuple(sorted((LoraChoice(lora.name, float(lora.weight)) for lora in loras), key=lambda lora: lora.name))


def from_json(stored: Any) -> tuple[LoraChoice, ...]:
    """What a row, a record or a picture file says, without whatever makes no sense in it."""
    found: dict[str, LoraChoice] = {}
    for entry in stored if isinstance(stored, list) else []:
        name, weight = (entry.get("name"), entry.get("weight")) if isinstance(entry, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(weight, int | float) or isinstance(weight, bool):
            continue
        if name and _fits(weight):
            found.setdefault(name, LoraChoice(name, float(weight)))
    return chosen(found.values())


def as_json(loras: Iterable[LoraChoice]) -> list[LoraJSON]:
    return [lora.as_json() for lora in loras]


def errors(loras: Sequence[LoraChoice], there_are: Sequence[str]) -> list[FieldError]:
    """What is wrong with `loras` on a model that has those named `there_are`; one sentence for each kind of wrong."""
    found = []
    if len(loras) > MAX_LORAS:
        message = _("%(count)d LoRAs were chosen; the limit is %(limit)d for one picture.")
        found.append(FieldError("loras", message % {"count": len(loras), "limit": MAX_LORAS}, MAX_LORAS))
    names = [lora.name for lora in loras]
    if len(set(names)) < len(names):
        found.append(FieldError("loras", _("A LoRA was chosen twice. Choose each once and set its weight.")))
    for lora in loras:
        if not _fits(lora.weight):
            message = _("The weight of the LoRA %(name)s must be between %(least)g and %(most)g.")
            values = {"name": lora.name[:200], "least": -MAX_WEIGHT, "most": MAX_WEIGHT}
            found.append(FieldError("loras", message % values, MAX_WEIGHT if lora.weight > MAX_WEIGHT else -MAX_WEIGHT))
    if unknown := [name for name in dict.fromkeys(names) if name not in set(there_are)]:
        found.append(_unknown(unknown[0][:200], there_are))
    return found


def validate(value: Any) -> None:
    """For the field of the row: at most `MAX_LORAS` objects of a name and a weight within the limits."""
    if not isinstance(value, list) or len(value) > MAX_LORAS or as_json(from_json(value)) != value:
        raise ValidationError(gettext_lazy("This is no list of LoRAs with their weights."))


def _unknown(name: str, there_are: Sequence[str]) -> FieldError:
    if not there_are:
        return FieldError("loras", _("There is no LoRA %(name)s: this site has none.") % {"name": name}, "")
    allowed = ", ".join(there_are[:_MOST_NAMED]) + (" …" if len(there_are) > _MOST_NAMED else "")
    message = _("There is no LoRA %(name)s. Choose of: %(allowed)s.") % {"name": name, "allowed": allowed}
    return FieldError("loras", message, allowed)


def _fits(weight: float) -> bool:
    return math.isfinite(weight) and abs(weight) <= MAX_WEIGHT
