from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.formats import date_format

from zimageweb import maintenance


class Command(BaseCommand):
    help = "Close the site to everybody but staff while work goes on, without a restart; pictures keep being made."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=("on", "off", "status"))
        parser.add_argument("--message", default="", help="what people read, beside the page's own words")
        parser.add_argument("--until", default="", help="22:30, or 2026-11-24T22:30, in the site's time zone")

    def handle(self, *args: Any, what: str, message: str, until: str, **options: Any) -> None:
        if what != "on" and (message or until):
            raise CommandError(f"--message and --until belong to `maintenance on`, not to `{what}`.")
        if what == "on":
            self.stdout.write(self._begin(message, until))
        elif what == "off":
            was_on = maintenance.end()
            self.stdout.write("Planned work is over: people get in." if was_on else "No planned work was going on.")
        else:
            work = maintenance.current()
            self.stdout.write(f"{_described(work)}" if work else "No planned work is going on.")

    def _begin(self, message: str, until: str) -> str:
        if len(message) > maintenance.LONGEST_MESSAGE:
            limit = maintenance.LONGEST_MESSAGE
            raise CommandError(f"--message has {len(message)} characters; the limit is {limit}.")
        work = maintenance.begin(message=message, until=_moment(until) if until else None)
        return f"{_described(work)} Only staff, /admin/ and /health get in, until `manage.py maintenance off`."


def _described(work: maintenance.Maintenance) -> str:
    parts = [f"Planned work has been going on since {date_format(timezone.localtime(work.since), 'Y-m-d H:i')}"]
    if work.until:
        parts.append(f"it is said to end at {date_format(timezone.localtime(work.until), 'Y-m-d H:i')}")
    if work.message:
        parts.append(f"people read: {work.message}")
    return "; ".join(parts).rstrip(".") + "."


def _moment(text: str) -> dt.datetime:
    """A time of day is the next such. Raises CommandError for what is none, or is past."""
    now = timezone.localtime()
    try:
        moment = dt.datetime.combine(now.date(), dt.time.fromisoformat(text))
        is_time = True
    except ValueError:
        is_time = False
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise CommandError(f"--until: {text!r} is no time. Write 22:30 or 2026-11-24T22:30.") from None
    aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    if is_time and aware <= now:
        aware = timezone.make_aware(moment + dt.timedelta(days=1))
    if aware <= now:
        raise CommandError(f"--until: {text} is past.")
    return aware
