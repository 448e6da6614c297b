"""How much a person may ask for: limits from person, groups and site, and what of them is used.

Usage is counted from the rows themselves, so it can never drift from them: a row is `charged` from the moment it is
asked for until it fails or is cancelled before it was started. The ledger says why.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gallery.models import Image
from generation.exceptions import FieldError, InvalidParameters, QuotaExceeded
from generation.models import Generation, LedgerEntry, Quota, Reason
from generation.parameters import Parameters

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What applies to one person; None is no limit."""

    pictures_per_day: int | None = None
    pictures_per_month: int | None = None
    queued_at_once: int | None = None
    running_at_once: int | None = None
    stored_megabytes: int | None = None
    max_megapixels: float | None = None
    max_steps: int | None = None
    weight: float = 1.0


def _site_limits() -> Limits:
    return Limits(
        pictures_per_day=settings.QUOTA_PICTURES_PER_DAY,
        pictures_per_month=settings.QUOTA_PICTURES_PER_MONTH,
        queued_at_once=settings.QUOTA_QUEUED,
        running_at_once=settings.QUOTA_RUNNING,
        stored_megabytes=settings.QUOTA_STORED_MEGABYTES,
        max_megapixels=settings.QUOTA_MEGAPIXELS,
        max_steps=settings.QUOTA_STEPS,
    )


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit and what is used of it. `resets_at` is None for limits that free themselves as work is done."""

    limit: int | None
    used: int
    resets_at: dt.datetime | None = None

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)

    def has_room_for(self, count: int) -> bool:
        return self.left is None or count <= self.left

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"limit": self.limit, "used": self.used, "left": self.left}
        if self.resets_at is not None:
            found["resets_at"] = self.resets_at.isoformat()
        return found


@dataclass(frozen=True, slots=True)
class Usage:
    """Where one person stands now."""

    day: Allowance
    month: Allowance
    queued: Allowance
    stored: Allowance  # bytes
    limits: Limits

    def as_json(self) -> dict[str, Any]:
        return {
            "day": self.day.as_json(),
            "month": self.month.as_json(),
            "queued": self.queued.as_json(),
            "stored": self.stored.as_json(),
            "max_megapixels": self.limits.max_megapixels,
            "max_steps": self.limits.max_steps,
            "running_at_once": self.limits.running_at_once,
        }


# -- limits -----------------------------------------------------------------------------------------------------------


def limits_for(user: User) -> Limits:
    """The person's own value wins, else the most generous of the groups', else the site's default."""
    quotas = Quota.objects.filter(Q(user=user) | Q(group__user=user))
    return _combined(list(quotas))


def _combined(quotas: Iterable[Quota]) -> Limits:
    site = _site_limits()

    def pick(field: str) -> Any:
        own = [value for quota in quotas if quota.user_id and (value := getattr(quota, field)) is not None]
        shared = [value for quota in quotas if quota.group_id and (value := getattr(quota, field)) is not None]
        return own[0] if own else max(shared, default=getattr(site, field))

    return Limits(**{field: pick(field) for field in Limits.__dataclass_fields__})


def limits_running() -> bool:
    """Whether anybody's pictures being drawn at once are limited at all."""
    return settings.QUOTA_RUNNING is not None or Quota.objects.exclude(running_at_once=None).exists()


def at_their_limit(running: dict[int, int]) -> set[int]:
    """Of the people who have so many pictures being drawn, those who may not have more at once."""
    people = User.objects.filter(pk__in=running)
    limits = {person.pk: limits_for(person).running_at_once for person in people}
    return {pk for pk, most in limits.items() if most is not None and running[pk] >= most}


def retention_days_of_people() -> dict[int, int]:
    """Days of people for whom the site's RETENTION_DAYS do not hold (0: for ever): their own, else of their groups the
    most generous."""

    own: dict[int, int] = {}
    shared: dict[int, int] = {}
    given = Quota.objects.exclude(retention_days=None)
    for person, member, days in given.values_list("user", "group__user", "retention_days"):
        if person is not None:
            own[person] = days or 0
        elif member is not None:
            shared[member] = max(days or 0, shared.get(member, days or 0), key=lambda most: most or math.inf)
    return shared | own


# -- usage ------------------------------------------------------------------------------------------------------------


def midnight(date: dt.date) -> dt.datetime:
    """When this day begins in the site's time zone."""
    return dt.datetime.combine(date, dt.time.min, tzinfo=timezone.get_default_timezone())


def this_day_and_month() -> tuple[tuple[dt.datetime, dt.datetime], tuple[dt.datetime, dt.datetime]]:
    """Start and end of the current day and of the current month in the site's time zone.

    A day may have 23 or 25 hours, so ends are counted by the calendar.
    """
    date = timezone.now().astimezone(timezone.get_default_timezone()).date()
    first = date.replace(day=1)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return (midnight(date), midnight(date + dt.timedelta(days=1))), (midnight(first), midnight(following))


def usage(user: User, limits: Limits | None = None) -> Usage:
    limits = limits or limits_for(user)
    (day, tomorrow), (month, next_month) = this_day_and_month()
    rows = Generation.objects.filter(user=user)
    charged = rows.filter(charged=True, created_at__gte=month).aggregate(
        month=Count("pk"), day=Count("pk", filter=Q(created_at__gte=day))
    )
    kept = Image.objects.visible_to(user).kept().order_by().values("owner").annotate(number=Sum("bytes"))
    waiting = rows.queued().order_by().values("user").annotate(number=Count("pk"))
    # Two numbers of two tables in one query.
    stored, queued = (
        User.objects.filter(pk=user.pk)
        .values_list(*(Coalesce(Subquery(each.values("number")), 0) for each in (kept, waiting)))
        .first()
    ) or (0, 0)
    most = None if limits.stored_megabytes is None else limits.stored_megabytes * _MEGABYTE
    return Usage(
        day=Allowance(limits.pictures_per_day, charged["day"], tomorrow),
        month=Allowance(limits.pictures_per_month, charged["month"], next_month),
        queued=Allowance(limits.queued_at_once, queued),
        stored=Allowance(most, stored),
        limits=limits,
    )


# -- asking -----------------------------------------------------------------------------------------------------------


def require_size(asked: Parameters | Generation, limits: Limits) -> None:
    """Raise InvalidParameters where one picture is more than this person may ask for."""
    errors = []
    megapixels = asked.width * asked.height / 1e6
    if limits.max_megapixels is not None and megapixels > limits.max_megapixels:
        message = _("Your pictures may have %(limit)g megapixels; this one would have %(pixels).2f.")
        values = {"limit": limits.max_megapixels, "pixels": megapixels}
        errors.append(FieldError("width", message % values, limits.max_megapixels))
    if limits.max_steps is not None and asked.steps > limits.max_steps:
        message = _("Your pictures may have at most %(limit)d steps.")
        errors.append(FieldError("steps", message % {"limit": limits.max_steps}, limits.max_steps))
    if errors:
        raise InvalidParameters(errors)


def require_room(user: User, count: int, limits: Limits) -> None:
    """Raise QuotaExceeded unless `count` more pictures fit. Call it while holding the person's QueueShare row."""
    now = usage(user, limits)
    if not now.day.has_room_for(count):
        message = ngettext(
            "You have %(left)d of %(limit)d picture left today.",
            "You have %(left)d of %(limit)d pictures left today.",
            now.day.limit or 0,
        )
        raise _exceeded(message, "pictures_per_day", now.day)
    if not now.month.has_room_for(count):
        message = _("You have %(left)d of %(limit)d pictures left this month.")
        raise _exceeded(message, "pictures_per_month", now.month)
    if not now.queued.has_room_for(count):
        message = _("You may have %(limit)d pictures waiting at once and have %(used)d. Wait for some to be drawn.")
        raise _exceeded(message, "queued_at_once", now.queued)
    if now.stored.left == 0:
        message = _("Your gallery is full: %(megabytes)d MB. Delete pictures that you do not need.")
        raise _exceeded(message, "stored_bytes", now.stored)


def _exceeded(message: str, quota: str, allowance: Allowance) -> QuotaExceeded:
    limit = allowance.limit or 0
    values = {"limit": limit, "used": allowance.used, "left": allowance.left, "megabytes": limit // _MEGABYTE}
    return QuotaExceeded(message % values, quota=quota, limit=limit, used=allowance.used, resets_at=allowance.resets_at)


# -- the ledger -------------------------------------------------------------------------------------------------------


def charge(rows: Iterable[Generation], reason: Reason) -> None:
    """Write down that these new rows are charged."""
    LedgerEntry.objects.bulk_create(
        LedgerEntry(user_id=row.user_id, generation=row, pictures=1, reason=reason) for row in rows
    )


def refund(rows: Iterable[Generation], reason: Reason) -> None:
    """Write down that these rows have been given back; the caller has set `charged` in the same transaction."""
    LedgerEntry.objects.bulk_create(
        LedgerEntry(user_id=row.user_id, generation=row, pictures=-1, reason=reason) for row in rows
    )
