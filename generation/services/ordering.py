"""What a person does about the order of what they wait for."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from generation import ordering, scheduling
from generation.exceptions import InvalidTransition
from generation.models import Batch, Generation


def move_batch(*, batch: Batch, before: UUID | None) -> list[UUID]:
    """Draw what waits of `batch` right before another batch of the same person, or with None after all of them.

    Returns the person's waiting batches in their new order. Raises InvalidTransition where one of the two no longer
    waits.
    """
    with transaction.atomic():
        share = scheduling.lock_share(batch.user)
        waiting = list(Generation.objects.in_line().filter(user=batch.user).select_for_update())
        moved = [row for row in waiting if row.batch_id == batch.pk]
        wanted = [row for row in waiting if row.batch_id != batch.pk]
        numbers = [number for number, row in enumerate(wanted) if row.batch_id == before]
        if not moved or (before is not None and before != batch.pk and not numbers):
            raise InvalidTransition(_("This no longer waits, so it cannot be moved."))
        if before != batch.pk:
            place = numbers[0] if numbers else len(wanted)
            wanted[place:place] = moved
            ordering.reorder(share, waiting, wanted)
        else:
            wanted = waiting
    return list(dict.fromkeys(row.batch_id for row in wanted))
