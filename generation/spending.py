"""What a person asked for on each of the last days, read from the ledger: the history behind today's quota."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from generation.models import LedgerEntry
from generation.quotas import midnight

DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the site's time zone. What was given back belongs to the day on which it had been asked for, as in
    the quota."""

    date: dt.date
    asked: int = 0
    given_back: int = 0

    @property
    def charged(self) -> int:
        return self.asked - self.given_back


def history(user: User) -> list[Day]:
    """The last `DAYS` days, today last; days without a picture too. One query."""
    zone = timezone.get_default_timezone()
    today = timezone.now().astimezone(zone).date()
    dates = [today - dt.timedelta(days=back) for back in reversed(range(DAYS))]
    start = midnight(dates[0])
    # An entry is never older than its generation, so its own date lets the index do most of the work.
    entries = LedgerEntry.objects.filter(user=user, created_at__gte=start, generation__created_at__gte=start)
    found = (
        entries.order_by()
        .values(date=TruncDate("generation__created_at", tzinfo=zone))
        .annotate(asked=Count("pk", filter=Q(pictures=1)), given_back=Count("pk", filter=Q(pictures=-1)))
    )
    days = {row["date"]: Day(**row) for row in found}
    return [days.get(date, Day(date)) for date in dates]
