"""Brings back rows that nobody holds any more. Safe to run anywhere, at any time, by several processes at once."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from generation import doorbell, events, quotas, scheduling
from generation.models import MAX_ATTEMPTS, Failure, Generation, Reason, State, Worker
from generation.services.drawing import queued_again

_MOST_RINGS = 200  # at once; the next reconcile rings for the rest


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one reconcile has done."""

    recovered: int  # rows whose lease had run out
    rung: int  # rings that were missing


def release_worker(*, worker: str) -> int:
    """Take its rows from a worker that is known to be dead, without waiting for the leases; how many they were."""
    dead = Worker.objects.filter(name=worker).exclude(state__in=Worker.NOT_STARTED)  # those have said why they ended
    dead.update(state=Worker.State.STOPPED)
    return _release(Q(worker=worker))


def reconcile() -> Reconciliation:
    """Recover rows whose lease has run out, and ring for queued rows that nobody will be rung for.

    Raises DatabaseError or RedisError while the database or Redis is away; the caller tries again.
    """
    recovered = _release(Q(lease_expires_at__lt=Now()))
    return Reconciliation(recovered, ring_for_the_forgotten())


def ring_for_the_forgotten() -> int:
    """Rings are lost with Redis, and a ring heard before its row could be claimed is spent: make up for both."""
    waiting = scheduling.may_be_claimed()
    if not waiting:
        return 0
    missing = min(waiting - doorbell.pending(), _MOST_RINGS)
    if missing > 0:
        doorbell.ring(missing)
    return max(0, missing)


def _release(concerned: Q) -> int:
    """Move running rows on from whoever held them: cancelled if that was asked, failed after too many attempts,
    else back into the queue at their old place. Each row moves by one conditional update, so of two processes
    that release at once only one does it."""
    released = []
    for row in Generation.objects.running().filter(concerned).select_related("user"):
        with transaction.atomic():
            unchanged = Generation.objects.running().filter(
                concerned, pk=row.pk, worker=row.worker, attempt=row.attempt
            )
            if row.cancel_requested or row.attempt >= MAX_ATTEMPTS:
                gone = Q(cancel_requested=True)
                changes = queued_again() | {
                    "state": Case(When(gone, then=Value(State.CANCELLED)), default=Value(State.FAILED)),
                    "failure": Case(When(gone, then=Value("")), default=Value(Failure.INTERRUPTED)),
                    "charged": Case(When(gone, then=F("charged")), default=Value(False)),
                    "finished_at": timezone.now(),
                    "started_at": F("started_at"),
                    "worker": F("worker"),
                }
            else:
                changes = queued_again()
                unchanged = unchanged.filter(cancel_requested=False)  # one asked for just now: the next round sees it
            if not unchanged.update(**changes):
                continue
            fresh = Generation.objects.get(pk=row.pk)
            if fresh.state == State.FAILED:
                quotas.refund([fresh], Reason.FAILED)
            released.append(fresh)
            events.generation_changed(fresh)
            if not fresh.is_active:
                events.usage_changed(row.user, quotas.usage(row.user).as_json())
    if any(row.state == State.QUEUED for row in released):
        doorbell.ring_if_possible(len(released))
    return len(released)
