"""Everything a page needs to be right again: what a browser gets when it connects, and when it first loads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max, Q

from gallery.feed import Place
from generation import places, quotas
from generation.models import Batch, Generation
from generation.places import Line
from generation.representation import GenerationJSON, generations_as_json, workers_as_json
from generation.speed import Speed

FEED_BATCHES = 12


def feed(user: User, line: Line | None = None, before: Place | None = None) -> tuple[list[GenerationJSON], str | None]:
    """The person's batches newest first, `FEED_BATCHES` at a time, and the cursor of the next page if there is one.

    The first page (`before` None) also holds everything still in progress, however old.
    """
    batches = Batch.objects.filter(user=user).order_by("-created_at", "-id")
    if before is not None:
        older = Q(created_at=before.moment, id__lt=before.id) | Q(created_at__lt=before.moment)
        batches = batches.filter(older, created_at__lte=before.moment)
    page = list(batches[: FEED_BATCHES + 1])
    ids = {batch.pk for batch in page[:FEED_BATCHES]}
    mine = Generation.objects.visible_to(user)
    if before is None:
        ids |= set(mine.active().values_list("batch", flat=True))
    rows = mine.filter(batch__in=ids).select_related("image", "batch").order_by("-batch__created_at", "-batch", "id")
    if len(page) <= FEED_BATCHES:
        return generations_as_json(rows, line), None
    last = page[FEED_BATCHES - 1]
    return generations_as_json(rows, line), Place(last.created_at, last.pk).as_cursor()


def head(user_id: int) -> int:
    """The highest `seq` of the person's rows: a page that knows a lower one has missed something."""
    return Generation.objects.filter(user_id=user_id).aggregate(head=Max("seq"))["head"] or 0


def snapshot(user: User) -> dict[str, Any]:
    """What the WebSocket sends first. `seq` is read before the rows, so that a change in between is sent again."""
    seq = head(user.pk)
    line = places.read_line()
    generations, cursor = feed(user, line)
    return {
        "seq": seq,
        "generations": generations,
        "next": cursor,
        "usage": quotas.usage(user).as_json(),
        "queue": queue_state(line),
    }


def queue_state(line: Line) -> dict[str, Any]:
    """How long the queue is, who works on it and how fast; the same for everybody."""
    return {"length": line.length, "workers": workers_as_json(), "pace": _pace(line.measured)}


def _pace(speed: Speed | None) -> dict[str, float] | None:
    """Seconds for a megapixel-step and for a megapixel beside the steps; so round that small changes are no news."""
    if speed is None:
        return None
    return {name: float(f"{seconds:.2g}") for name, seconds in asdict(speed).items()}


def may_cancel_for_others(user: User) -> bool:
    """As in the administration."""
    return user.is_staff and user.has_perm("generation.change_generation")


def queue(user: User) -> dict[str, Any]:
    """The whole queue as this person may see it: their own rows, and everybody else's as a shape with a cost.

    Staff also see whose rows they are, and some of them may cancel them.
    """
    line = places.read_line()
    may_cancel = may_cancel_for_others(user)
    names = ("id", "user_id", "user__username", "cost", "state", "batch_id", "step", "steps")
    running = Generation.objects.running().order_by("started_at", "id").values(*names)
    waiting = Generation.objects.in_line().values(*names)[:500]

    def entry(row: dict[str, Any]) -> dict[str, Any]:
        mine = row["user_id"] == user.pk
        place = line.place(row["id"])
        return {
            "state": row["state"],
            "position": place.position if place else None,
            "starts_in": place.as_json()["starts_in"] if place else None,
            "eta_seconds": place.as_json()["eta_seconds"] if place else None,
            "cost": round(row["cost"], 3),
            "mine": mine,
            "can_cancel": mine or may_cancel,
            "generation": row["id"] if mine or user.is_staff else None,
            "batch": str(row["batch_id"]) if mine or user.is_staff else None,
            "user": row["user__username"] if user.is_staff else None,
        }

    return queue_state(line) | {
        "running": [entry(row) for row in running],
        "entries": [entry(row) for row in waiting],
        "eta_seconds": None if line.eta_seconds is None else round(line.eta_seconds, 1),
    }
