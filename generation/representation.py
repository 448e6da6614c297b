"""Generations as the JSON that the API answers with and the WebSocket sends: one shape for both."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, TypedDict

from gallery.schemas import ImageJSON
from gallery.schemas import as_json as image_as_json
from generation.loras import LoraJSON
from generation.models import Failure, Generation, Worker
from generation.places import Line


class GenerationJSON(TypedDict):
    id: int
    batch: str
    state: str
    prompt: str
    style: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    init_image: str | None
    mask: str | None
    strength: float | None
    drawn_steps: int
    position: float | int | None
    starts_in: float | int | None
    eta_seconds: float | int | None
    step: int
    image: ImageJSON | None
    error: str | None
    error_code: str | None
    cancel_requested: bool
    retry_of: int | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    seq: int
    loras: list[LoraJSON]
    variation: float
    negative_prompt: str
    prompt_template: str  # what was typed, where the prompt is not it


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def generation_as_json(row: Generation, line: Line | None = None) -> GenerationJSON:
    """One row. Without a `line` a queued row's place is null; browsers keep the place they know until the next tick.

    Of the related image only what is in the gallery is shown: one in the bin counts as gone.
    """
    place = line.place(row.pk) if line and row.is_active else None
    where = place.as_json() if place else {"position": None, "starts_in": None, "eta_seconds": None}
    image = row.image if row.image_id else None
    return {
        "id": row.pk,
        "batch": str(row.batch_id),
        "state": row.state,
        "prompt": row.prompt,
        "style": row.style,
        "width": row.width,
        "height": row.height,
        "steps": row.steps,
        "guidance": row.guidance,
        "seed": row.seed,
        "init_image": row.init_image or None,
        "mask": row.mask or None,
        "strength": row.strength,
        "drawn_steps": row.drawn_steps,
        "position": where["position"],
        "starts_in": where["starts_in"],
        "eta_seconds": where["eta_seconds"],
        "step": row.step,
        "image": image_as_json(image) if image and image.deleted_at is None else None,
        "error": str(Failure(row.failure).label) if row.failure else None,
        "error_code": row.failure or None,
        "cancel_requested": row.cancel_requested,
        "retry_of": row.retry_of_id,
        "created_at": row.created_at.isoformat(),
        "started_at": _iso(row.started_at),
        "finished_at": _iso(row.finished_at),
        "seq": row.seq,
        "loras": row.loras,
        "variation": row.variation,
        "negative_prompt": row.negative_prompt,
        "prompt_template": row.batch.prompt_template,
    }


def generations_as_json(rows: Iterable[Generation], line: Line | None = None) -> list[GenerationJSON]:
    return [generation_as_json(row, line) for row in rows]


def workers_as_json() -> dict[str, Any]:
    """What a page needs to say about the workers: how many are ready, or how far the first is with loading."""
    workers = list(Worker.objects.all())
    loading = [worker for worker in workers if worker.is_alive and not worker.is_ready]
    broken = [worker.message for worker in workers if worker.is_broken and worker.message]
    return {
        "ready": sum(worker.is_ready for worker in workers),
        "loading": len(loading),
        "progress": max((worker.progress for worker in loading), default=0),
        "message": broken[0] if broken else "",
    }
