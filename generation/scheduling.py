"""Whose picture is next: start-time fair queueing, and claiming what is.

Goyal, Vin and Cheng, "Start-time Fair Queueing", SIGCOMM 1996. Each row gets at submit
`start_tag = max(virtual time, the person's last finish tag)` and `finish_tag = start_tag + cost / weight`;
the row with the smallest `(start_tag, id)` is drawn next, and virtual time is the start tag of the row drawn last.
So A1 A2 B1 C1 C2 A3 is drawn A1 B1 C1 A2 C2 A3, and nobody saves up credit by being idle.

Tags are whole numbers, pixel-steps at weight 1: places are given back by adding and subtracting, which must not leave
crumbs that decide who of two is first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count, F
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone

from generation import quotas
from generation.models import Generation, QueueClock, QueueShare, State, next_seq

_NEAR = 4
"""Among so many times as many rows as a worker draws at once others like the head are looked for: what a person waits
for must not be drawn long before its turn at the cost of those between."""

# -- joining and leaving the queue ------------------------------------------------------------------------------------


def lock_share(user: User) -> QueueShare:
    """The person's standing, locked until the transaction ends: whatever else they do at this moment waits."""
    QueueShare.objects.get_or_create(user=user)
    return QueueShare.objects.select_for_update().get(user=user)


class Tags(NamedTuple):
    """A row's stretch of virtual time."""

    start: int
    finish: int


def take_tags(share: QueueShare, costs: Sequence[float], weight: float) -> list[Tags]:
    """Tags for new rows of these costs (megapixel-steps), in order; moves the locked `share` on and stores it."""
    clock, _ = QueueClock.objects.get_or_create(pk=1)
    start = max(clock.virtual_time, share.finish_tag)
    taken = []
    for cost in costs:
        finish = start + max(1, round(cost * 1e6 / weight))
        taken.append(Tags(start, finish))
        start = finish
    share.finish_tag = start
    share.save(update_fields=["finish_tag"])
    return taken


def close_ranks(share: QueueShare, left: Iterable[Generation]) -> None:
    """Give back the places of rows that have just left the queue undrawn, so that they cost the person nothing.

    What still waits moves up in its own order. Other people's tags stay as they are. `share` is locked.
    """
    gaps = _joined(Tags(row.start_tag, row.finish_tag) for row in left)
    waiting = Generation.objects.queued().filter(user_id=share.user_id)
    for gap in reversed(gaps):  # from the back: what is in front of a gap has not moved yet
        width = gap.finish - gap.start
        waiting.filter(start_tag__gte=gap.finish).update(
            start_tag=F("start_tag") - width, finish_tag=F("finish_tag") - width
        )
        share.finish_tag -= width
    share.save(update_fields=["finish_tag"])


def _joined(stretches: Iterable[Tags]) -> list[Tags]:
    """The same stretches in order, those that touch as one: a batch leaves one gap."""
    joined: list[Tags] = []
    for tags in sorted(stretches):
        if joined and joined[-1].finish == tags.start:
            tags = Tags(joined.pop().start, tags.finish)
        joined.append(tags)
    return joined


# -- claiming ---------------------------------------------------------------------------------------------------------


def lease_end() -> CombinedExpression:
    """When a lease taken now runs out, by the database's clock: those of the machines may differ."""
    return Now() + dt.timedelta(seconds=settings.LEASE_SECONDS)


def claim(*, worker: str, most: int, most_pixels: int = 0) -> list[Generation]:
    """Take the head of the queue, and up to `most - 1` rows near it that can be drawn together with it: as many as
    hold `most_pixels` in all, because large pictures fill a device alone (0: no such limit).

    The rows come back running under a lease for `worker`; nobody else can have taken them too: PostgreSQL skips
    rows that another claim has locked, SQLite lets one writer in at a time. The transaction ends before drawing begins.
    """
    with transaction.atomic():
        line = Generation.objects.in_line()
        running = _running_where_it_matters()
        if running is not None:
            line = line.exclude(user_id__in=quotas.at_their_limit(running))
        free = line
        if connection.features.has_select_for_update_skip_locked:
            free = line.select_for_update(skip_locked=True, of=("self",))
        head = free.first()
        if head is None:
            return []
        rows = [head]
        if most_pixels:
            most = min(most, most_pixels // (head.width * head.height))
        # What has stopped a worker before is drawn alone, and so is what starts from a picture.
        if most > 1 and head.attempt == 0 and not head.init_image:
            near = list(line.values_list("pk", flat=True)[: _NEAR * most])
            alike = free.filter(
                width=head.width, height=head.height, steps=head.steps, guidance=head.guidance, attempt=0, init_image=""
            ).filter(loras=head.loras, pk__in=near)
            rows += list(alike.exclude(pk=head.pk)[: most - 1])
        if running is not None:
            rows = _within_their_limits(rows, running)
        now = timezone.now()
        Generation.objects.queued().filter(pk__in=[row.pk for row in rows]).update(
            state=State.RUNNING,
            worker=worker,
            attempt=F("attempt") + 1,
            lease_expires_at=lease_end(),
            started_at=now,
            step=0,
            seq=next_seq(),
        )
        QueueClock.objects.filter(pk=1, virtual_time__lt=head.start_tag).update(virtual_time=head.start_tag)
    claimed = Generation.objects.filter(pk__in=[row.pk for row in rows]).select_related("batch")
    found = {row.pk: row for row in claimed}
    return [found[row.pk] for row in rows]


def may_be_claimed() -> int:
    """How many rows wait, without those of people who have as many being drawn as they may."""
    waiting = Generation.objects.queued()
    if quotas.limits_running():
        waiting = waiting.exclude(user_id__in=quotas.at_their_limit(_running()))
    return waiting.count()


def _running_where_it_matters() -> dict[int, int] | None:
    """How many pictures of whom are being drawn; None where nobody is limited in that."""
    if not quotas.limits_running():
        return None
    # Two claims that look at the same moment must not both find room: the clock's row lets one in at a time.
    QueueClock.objects.select_for_update().filter(pk=1).first()
    return _running()


def _running() -> dict[int, int]:
    return dict(Generation.objects.running().order_by().values_list("user").annotate(Count("pk")))


def _within_their_limits(rows: list[Generation], running: dict[int, int]) -> list[Generation]:
    """Of a batch, what takes nobody beyond what they may have drawn at once."""
    running, kept = dict(running), []
    for row in rows:
        if row.user_id not in quotas.at_their_limit({row.user_id: running.get(row.user_id, 0)}):
            running[row.user_id] = running.get(row.user_id, 0) + 1
            kept.append(row)
    return kept
