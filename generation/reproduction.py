"""Between a row and the engine: what the row asks for, and the record by which its picture can be drawn again.

The same record on the same model, device and libraries gives the same picture.
"""

from __future__ import annotations

import uuid

from gallery import inputs, storing
from gallery.models import Image
from generation import loras, styles
from generation.engine.types import DrawRequest, Engine, LoraWeight, StartPicture
from generation.models import Generation


def request_of(row: Generation) -> DrawRequest:
    """What to ask the engine for. Raises `inputs.NotThere` where the picture to start from is gone."""
    return DrawRequest(
        prompt=styles.apply(row.style, row.prompt),
        width=row.width,
        height=row.height,
        steps=row.steps,
        seed=row.seed,
        guidance=row.guidance,
        loras=tuple(LoraWeight(lora.name, lora.weight) for lora in loras.from_json(row.loras)),
        variation=row.variation,
        negative_prompt=row.negative_prompt,
        start=_start_of(row),
    )


def _start_of(row: Generation) -> StartPicture | None:
    if not row.init_image or row.strength is None:
        return None
    mask = inputs.opened(row.user_id, row.mask) if row.mask else None
    return StartPicture(inputs.opened(row.user_id, row.init_image), row.strength, mask)


def _start_record(row: Generation) -> dict[str, object]:
    """What the picture was drawn from, where it was."""
    facts = {"init_image": row.init_image, "mask": row.mask, "strength": row.strength}
    return {name: value for name, value in facts.items() if value}


def _cut_record(request: DrawRequest, engine: Engine) -> dict[str, int]:
    """Of how many tokens the model read how many, where it did not read the prompt to its end."""
    tokens = engine.cut_prompts.get(request.prompt)
    return {"prompt_tokens": tokens, "prompt_tokens_read": engine.card.max_prompt_tokens} if tokens else {}


def picture_of(row: Generation, request: DrawRequest, seconds: float, engine: Engine) -> storing.DrawnPicture:
    """What is kept of the picture that `engine` has just drawn, beside its pixels; drawing took so many seconds."""
    card = engine.card
    return storing.DrawnPicture(
        prompt=row.prompt,
        style=row.style,
        width=row.width,
        height=row.height,
        steps=row.steps,
        guidance=row.guidance,
        seed=row.seed,
        seconds=round(seconds, 3),
        model=card.name,
        record={
            "prompt": request.prompt,  # with the style's words, as the model read it
            "negative_prompt": request.negative_prompt,
            "variation": request.variation,
            "model": card.source,
            "revision": card.revision,
            "device": card.device,
            "dtype": card.dtype,
            "quantization": card.quantization,
            "versions": card.versions,
            "loras": [lora | {"sha256": engine.lora_hashes.get(lora["name"], "")} for lora in row.loras],
            **_start_record(row),
            **_cut_record(request, engine),
        },
    )


def image_of(row: Generation, attempt: int, drawn: storing.DrawnPicture) -> Image:
    """The image of one attempt. Its name follows from that, so that a later attempt finds what this one left behind."""
    image = storing.draft(owner_id=row.user_id, drawn=drawn)
    image.pk = uuid.uuid5(row.batch_id, f"{row.pk}.{attempt}")
    return image
