"""Whether planned work goes on: a file in the data folder says so, and to whom it is said and until when.

A file, because it outlives what the work may be about: a restart of this machine, of Redis, of the database. Every web
process looks at it with each request, which costs a system call and no query. Web processes on other machines see it
where they share the folder; where they do not, `manage.py maintenance` is run on each.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

LONGEST_MESSAGE = 300  # characters
_RETRY_SECONDS = 120  # where nobody knows until when
_SOONEST = 10


@dataclass(frozen=True, slots=True)
class Maintenance:
    since: dt.datetime
    message: str = ""  # the operator's own words, in whatever language
    until: dt.datetime | None = None

    @property
    def retry_after(self) -> int:
        """Seconds after which it is worth asking again."""
        left = (self.until - timezone.now()).total_seconds() if self.until else 0.0
        return max(_SOONEST, math.ceil(left)) if left > 0 else _RETRY_SECONDS


def path() -> Path:
    return Path(settings.DATA_DIR) / "maintenance.json"


_read: tuple[Path, os.stat_result, Maintenance] | None = None  # what was found last, and in which state of the file


def current() -> Maintenance | None:
    """The planned work that goes on; None for none. A file that holds nothing, or nonsense, is there all the same."""
    global _read
    file = path()
    try:
        state = file.stat()
    except OSError:
        return None
    if _read is None or _read[0] != file or _identity(_read[1]) != _identity(state):
        _read = (file, state, _parsed(file, state))
    return _read[2]


def begin(*, message: str = "", until: dt.datetime | None = None) -> Maintenance:
    """Close the site to everybody but staff; where it is closed already, say something else from now on."""
    known = current()
    work = Maintenance(known.since if known else timezone.now(), message.strip()[:LONGEST_MESSAGE], until)
    written = {"since": work.since.isoformat(), "message": work.message}
    written |= {"until": until.isoformat()} if until else {}
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(f".{os.getpid()}.part")  # nobody reads half a file
    half.write_text(json.dumps(written, ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(file)
    return work


def end() -> bool:
    """Open the site again; whether it was closed."""
    try:
        path().unlink()
    except FileNotFoundError:
        return False
    return True


def _identity(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_mtime_ns, state.st_size


def _parsed(file: Path, state: os.stat_result) -> Maintenance:
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    said = found if isinstance(found, dict) else {}
    written = dt.datetime.fromtimestamp(state.st_mtime, dt.UTC)
    message = str(said.get("message") or "")[:LONGEST_MESSAGE]
    return Maintenance(_moment(said.get("since")) or written, message, _moment(said.get("until")))


def _moment(text: object) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    # Never in the zone of whoever happens to ask first.
    return timezone.make_aware(moment, timezone.get_default_timezone()) if timezone.is_naive(moment) else moment
