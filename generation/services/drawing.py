"""What a worker does with the rows that it holds. Every verb is fenced by worker and attempt.

A worker that lost its lease (stalled, cut off, presumed dead) finds that its updates change nothing, and drops the
picture: another worker has the row, or has finished it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from gallery.models import Image
from generation import events, quotas, scheduling
from generation.doorbell import ring_if_possible
from generation.models import Failure, Generation, GenerationQuerySet, Reason, State, next_seq


def held(rows: Sequence[Generation]) -> GenerationQuerySet:
    """Those of `rows` that are still running under the claim by which they were handed out."""
    claims = Q(pk__in=[])
    for row in rows:
        claims |= Q(pk=row.pk, worker=row.worker, attempt=row.attempt)
    return Generation.objects.running().filter(claims)


def start(*, worker: str, most: int, most_pixels: int = 0) -> list[Generation]:
    """Claim the next fair batch for `worker` within these limits, and tell those whose pictures they are."""
    rows = scheduling.claim(worker=worker, most=most, most_pixels=most_pixels)
    events.generations_changed(rows)
    return rows


def record_step(*, rows: Sequence[Generation], step: int) -> Collection[int]:
    """Store that `step` steps are done and renew the leases; the ids that must not be drawn on come back.

    Those are rows that were cancelled, and rows that are no longer held.
    """
    mine = held(rows)
    mine.update(step=step, lease_expires_at=scheduling.lease_end(), seq=next_seq())
    now = {row.pk: row for row in held(rows).select_related("batch")}
    dropped = []
    for row in rows:
        fresh = now.get(row.pk)
        if fresh is None or fresh.cancel_requested:
            dropped.append(row.pk)
        if fresh is not None:
            row.step, row.seq = fresh.step, fresh.seq
            events.generation_changed(fresh)
    return dropped


def unwanted(*, rows: Sequence[Generation]) -> Collection[int]:
    """The same ids as `record_step`'s, and nothing is stored: for steps too short to tell."""
    wanted = set(held(rows).filter(cancel_requested=False).values_list("pk", flat=True))
    return [row.pk for row in rows if row.pk not in wanted]


def renew(*, rows: Sequence[Generation]) -> None:
    """Hold on to rows that are being encoded and stored, or whose step takes long."""
    held(rows).update(lease_expires_at=scheduling.lease_end())


def finish(*, row: Generation, store: Callable[[], Image]) -> bool:
    """Move the row to succeeded together with the image that `store` saves, in one transaction.

    False when the row was cancelled or taken away meanwhile: then nothing is stored, and the caller discards the files.
    """
    with transaction.atomic():
        mine = held([row]).filter(cancel_requested=False)
        if not mine.update(step=row.drawn_steps, **_over(State.SUCCEEDED)):
            return _settle_cancelled(row)
        Generation.objects.filter(pk=row.pk).update(image=store())
        events.generation_changed(Generation.objects.select_related("image", "batch").get(pk=row.pk))
    return True


def settle_cancelled(*, row: Generation) -> None:
    """End a running row whose cancelling was noticed. It stays charged: the machine has worked for it."""
    with transaction.atomic():
        _settle_cancelled(row)


def fail(*, row: Generation, failure: Failure) -> bool:
    """End a running row that cannot be drawn, and give its quota back."""
    with transaction.atomic():
        if not held([row]).update(failure=failure, charged=False, **_over(State.FAILED)):
            return False
        quotas.refund([row], Reason.FAILED)
        _tell(row)
    return True


def hand_back(*, rows: Sequence[Generation]) -> None:
    """Return rows to the queue unharmed, at their old place: the worker is leaving, which is no failed attempt."""
    _requeue(rows, attempt=F("attempt") - 1)


def put_back(*, rows: Sequence[Generation]) -> None:
    """Return rows to the queue after an attempt that failed without saying by whose fault."""
    _requeue(rows)


def _requeue(rows: Sequence[Generation], **changes: object) -> None:
    for row in rows:  # a worker holds a handful
        with transaction.atomic():
            if held([row]).filter(cancel_requested=False).update(**queued_again(), **changes):
                events.generation_changed(Generation.objects.get(pk=row.pk))
                transaction.on_commit(ring_if_possible, robust=True)
            else:
                _settle_cancelled(row)


def queued_again() -> dict[str, object]:
    """The update that returns a running row to the queue. Its start tag stays, so it is next again."""
    return {
        "state": State.QUEUED,
        "worker": "",
        "lease_expires_at": None,
        "started_at": None,
        "step": 0,
        "seq": next_seq(),
    }


def _over(state: State) -> dict[str, object]:
    return {"state": state, "finished_at": timezone.now(), "lease_expires_at": None, "seq": next_seq()}


def _settle_cancelled(row: Generation) -> bool:
    if held([row]).filter(cancel_requested=True).update(**_over(State.CANCELLED)):
        _tell(row)
    return False


def _tell(row: Generation) -> None:
    fresh = Generation.objects.select_related("image", "batch", "user").get(pk=row.pk)
    events.generation_changed(fresh)
    events.usage_changed(fresh.user, quotas.usage(fresh.user).as_json())
