"""How much a person may ask for: limits from person, groups and site, and what of them is used.

Usage is counted from the rows themselves, so it can never drift from them: a row is `charged` from the moment it is
asked for until it fails or is cancelled before it was started.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from generation.exceptions import QuotaExceeded
from generation.models import Generation, Quota


@dataclass(frozen=True, slots=True)
class Limits:
    """What applies to one person."""

    pictures_per_day: int
    queued_at_once: int
    weight: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit and what is used of it. `resets_at` is None for limits that free themselves as work is done."""

    limit: int
    used: int
    resets_at: dt.datetime | None = None

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"limit": self.limit, "used": self.used, "left": self.left}
        if self.resets_at is not None:
            found["resets_at"] = self.resets_at.isoformat()
        return found


@dataclass(frozen=True, slots=True)
class Usage:
    """Where one person stands now."""

    day: Allowance
    queued: Allowance

    @property
    def left(self) -> int:
        """How many pictures may be asked for right now."""
        return min(self.day.left, self.queued.left)

    def as_json(self) -> dict[str, Any]:
        return {"day": self.day.as_json(), "queued": self.queued.as_json()}


def limits_for(user: User) -> Limits:
    """The person's own value wins, else the most generous of the groups', else the site's default."""
    quotas = list(Quota.objects.filter(user=user)) + list(Quota.objects.filter(group__user=user))

    def pick(field: str, default: float) -> Any:
        own = [value for quota in quotas if quota.user_id and (value := getattr(quota, field)) is not None]
        shared = [value for quota in quotas if quota.group_id and (value := getattr(quota, field)) is not None]
        return own[0] if own else max(shared, default=default)

    return Limits(
        pictures_per_day=pick("pictures_per_day", settings.QUOTA_PICTURES_PER_DAY),
        queued_at_once=pick("queued_at_once", settings.QUOTA_QUEUED),
        weight=pick("weight", 1.0),
    )


def today() -> tuple[dt.datetime, dt.datetime]:
    """Start and end of the current day in the site's time zone; a day may have 23 or 25 hours."""
    zone = timezone.get_default_timezone()
    date = timezone.now().astimezone(zone).date()
    midnight = dt.time.min
    start = dt.datetime.combine(date, midnight, tzinfo=zone)
    return start, dt.datetime.combine(date + dt.timedelta(days=1), midnight, tzinfo=zone)


def usage(user: User, limits: Limits | None = None) -> Usage:
    limits = limits or limits_for(user)
    start, end = today()
    rows = Generation.objects.filter(user=user)
    return Usage(
        day=Allowance(limits.pictures_per_day, rows.filter(charged=True, created_at__gte=start).count(), end),
        queued=Allowance(limits.queued_at_once, rows.queued().count()),
    )


def require(user: User, count: int, limits: Limits) -> None:
    """Raise QuotaExceeded unless `count` more pictures fit. Call it while holding the person's QueueShare row."""
    now = usage(user, limits)
    if count > now.day.left:
        message = ngettext(
            "You have %(left)d of %(limit)d picture left today.",
            "You have %(left)d of %(limit)d pictures left today.",
            now.day.limit,
        )
        raise _exceeded(message, "pictures_per_day", now.day)
    if count > now.queued.left:
        message = _("You may have %(limit)d pictures waiting at once and have %(used)d. Wait for some to be drawn.")
        raise _exceeded(message, "queued_at_once", now.queued)


def _exceeded(message: str, quota: str, allowance: Allowance) -> QuotaExceeded:
    values = {"limit": allowance.limit, "used": allowance.used, "left": allowance.left}
    return QuotaExceeded(
        message % values, quota=quota, limit=allowance.limit, used=allowance.used, resets_at=allowance.resets_at
    )
