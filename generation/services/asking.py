"""What a person does: ask for pictures, take it back, ask again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from generation import events, loras, places, quotas, scheduling
from generation.doorbell import ring_if_possible
from generation.exceptions import IdempotencyConflict, InvalidTransition
from generation.models import Batch, Generation, GenerationQuerySet, Reason, State, next_seq
from generation.parameters import Parameters
from generation.places import Line
from generation.scheduling import Tags
from generation.services.starts import require_starts


@dataclass(frozen=True, slots=True)
class Submission:
    """An accepted request: its rows by prompt, then by seed, and where they stand."""

    batch: Batch
    generations: list[Generation]
    line: Line


def submit(*, user: User, parameters: Parameters, idempotency_key: str | None = None) -> Submission:
    """Take one request into the queue: all of its pictures or none.

    A repeated `idempotency_key` returns what the first request made. Raises QuotaExceeded, or IdempotencyConflict
    when the key came with another request.
    """
    try:
        with transaction.atomic():
            share = scheduling.lock_share(user)
            if idempotency_key and (earlier := _submitted_before(user, parameters, idempotency_key)):
                return earlier
            limits = quotas.limits_for(user)
            quotas.require_size(parameters, limits)
            require_starts(user, init_image=parameters.init_image, mask=parameters.mask)
            pictures = parameters.pictures()
            quotas.require_room(user, len(pictures), limits)
            batch = Batch.objects.create(
                user=user,
                idempotency_key=idempotency_key or None,
                fingerprint=parameters.fingerprint,
                prompt_template="" if pictures[0][0] == parameters.prompt else parameters.prompt,
            )
            taken = scheduling.take_tags(share, [parameters.cost] * len(pictures), limits.weight)
            rows = Generation.objects.bulk_create(
                _row(batch, parameters, prompt, seed, tags)
                for (prompt, seed), tags in zip(pictures, taken, strict=True)
            )
            quotas.charge(rows, Reason.ASKED)
            _announce_new(user, rows)
    except IntegrityError:
        # Two requests with one key at the same moment on a database that let both past the look-up.
        if idempotency_key and (earlier := _submitted_before(user, parameters, idempotency_key)):
            return earlier
        raise
    return Submission(batch, rows, places.read_places(rows))


def retry(*, user: User, generation: Generation) -> Submission:
    """Ask again for a picture that failed or was cancelled, with the same seed and in the same batch.

    A row is retried once; asking twice returns the same new row. Raises QuotaExceeded, InvalidTransition, and
    InvalidParameters where the person may no longer ask for as much.
    """
    with transaction.atomic():
        share = scheduling.lock_share(user)
        old = Generation.objects.select_related("batch").get(pk=generation.pk)
        if old.state not in (State.FAILED, State.CANCELLED):
            raise InvalidTransition(_("Only a picture that failed or was cancelled can be tried again."))
        if again := Generation.objects.filter(retry_of=old).first():
            return Submission(old.batch, [again], places.read_places([again]))
        limits = quotas.limits_for(user)
        quotas.require_size(old, limits)
        require_starts(user, init_image=old.init_image, mask=old.mask)
        quotas.require_room(user, 1, limits)
        (tags,) = scheduling.take_tags(share, [old.cost], limits.weight)
        row = Generation(
            batch=old.batch,
            user_id=old.user_id,
            retry_of=old,
            start_tag=tags.start,
            finish_tag=tags.finish,
            **{name: getattr(old, name) for name in _DRAWN_FROM},
        )
        row.save(force_insert=True)
        quotas.charge([row], Reason.RETRIED)
        _announce_new(user, [row])
    return Submission(old.batch, [row], places.read_places([row]))


def cancel(*, generation: Generation) -> Generation:
    """Take back one picture: at once while it waits, within a step while it is drawn. Harmless when it is over."""
    _cancel(generation.user, Generation.objects.filter(pk=generation.pk))
    return Generation.objects.select_related("image", "batch").get(pk=generation.pk)


def cancel_batch(*, batch: Batch) -> int:
    """Take back what is not finished of a batch; how many pictures that concerned."""
    return _cancel(batch.user, batch.generations.all())


def cancel_all(*, user: User) -> int:
    """Take back everything the person still waits for; how many pictures that concerned."""
    return _cancel(user, Generation.objects.filter(user=user))


_DRAWN_FROM = (
    "prompt",
    "style",
    "width",
    "height",
    "steps",
    "guidance",
    "seed",
    "cost",
    "loras",
    "init_image",
    "mask",
    "strength",
    "variation",
    "negative_prompt",
)


def _row(batch: Batch, parameters: Parameters, prompt: str, seed: int, tags: Tags) -> Generation:
    return Generation(
        batch=batch,
        user_id=batch.user_id,
        prompt=prompt,
        style=parameters.style,
        width=parameters.width,
        height=parameters.height,
        steps=parameters.steps,
        guidance=parameters.guidance,
        seed=seed,
        init_image=parameters.init_image,
        mask=parameters.mask,
        strength=parameters.strength,
        variation=parameters.variation,
        negative_prompt=parameters.negative_prompt,
        cost=parameters.cost,
        start_tag=tags.start,
        finish_tag=tags.finish,
        loras=loras.as_json(parameters.loras),
    )


def _announce_new(user: User, rows: list[Generation]) -> None:
    """Number the new rows, and on commit ring for them and tell the person's pages."""
    mine = Generation.objects.filter(pk__in=[row.pk for row in rows])
    mine.update(seq=next_seq())
    seqs = dict(mine.values_list("pk", "seq"))
    for row in rows:
        row.seq = seqs[row.pk]
    events.generations_changed(rows)
    events.usage_changed(user, quotas.usage(user).as_json())
    transaction.on_commit(partial(ring_if_possible, len(rows)), robust=True)


def _submitted_before(user: User, parameters: Parameters, key: str) -> Submission | None:
    batch = Batch.objects.filter(user=user, idempotency_key=key).first()
    if batch is None:
        return None
    if batch.fingerprint != parameters.fingerprint:
        raise IdempotencyConflict(_("This Idempotency-Key was already used for another request."))
    rows = list(batch.generations.filter(retry_of=None).select_related("image", "batch").order_by("id"))
    return Submission(batch, rows, places.read_places(rows))


def _cancel(user: User, rows: GenerationQuerySet) -> int:
    """One statement decides for every row at once: a row that waits is over, a running one is asked to stop.

    A worker that claims at the same moment either sees the cancelled row and skips it, or has made it running, and
    then the flag reaches it at its next step.
    """
    with transaction.atomic():
        share = scheduling.lock_share(user)
        active = rows.active().filter(cancel_requested=False)
        concerned = list(active.values_list("pk", flat=True))
        if not concerned:
            return 0
        waiting = Q(state=State.QUEUED)
        active.update(
            cancel_requested=True,
            charged=Case(When(waiting, then=Value(False)), default=F("charged")),
            finished_at=Case(When(waiting, then=Value(timezone.now())), default=F("finished_at")),
            state=Case(When(waiting, then=Value(State.CANCELLED)), default=F("state")),
            seq=next_seq(),
        )
        # One that was finished between the two statements is not in it.
        changed = [row for row in _chunked(concerned) if row.cancel_requested]
        left = [row for row in changed if row.state == State.CANCELLED]
        quotas.refund(left, Reason.CANCELLED)
        scheduling.close_ranks(share, left)
        events.generations_changed(changed)
        events.usage_changed(user, quotas.usage(user).as_json())
    return len(changed)


def _chunked(ids: list[int]) -> Iterable[Generation]:
    """The rows of these ids; a database takes only so many values in one statement."""
    for first in range(0, len(ids), 500):
        yield from Generation.objects.filter(pk__in=ids[first : first + 500]).select_related("image", "batch")
