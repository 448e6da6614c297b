"""What the supervisor does beside watching its children: reconcile the queue, and sweep the pictures once a day."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone
from redis.exceptions import RedisError

from generation import services

logger = logging.getLogger(__name__)

_DAY = dt.timedelta(days=1)
_CATCH_UP_AFTER = dt.timedelta(seconds=30)


class Outage:
    """Reports the start and the end of a row of failures, not each one."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failing = False

    def attempt(self, action: Callable[[], object]) -> bool:
        """Run `action`; whether it succeeded."""
        try:
            action()
        except Exception as error:
            # The outermost boundary: a defect in one beat must not end the beat. Only a defect needs a traceback.
            if not self._failing:
                away = isinstance(error, (DatabaseError, RedisError, OSError))
                logger.error("%s fails and is tried again: %s", self._what, error, exc_info=not away)
            self._failing = True
            return False
        if self._failing:
            logger.warning("%s works again", self._what)
        self._failing = False
        return True


class Reconciler:
    """Reconciles the queue each second in a thread of its own: a database that hangs must not keep the supervisor
    from restarting what dies."""

    def __init__(self, *, every: float = 1.0) -> None:
        self._every = every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        outage = Outage("Reconciling the queue")
        while not self._stopped.wait(self._every):
            outage.attempt(_reconcile)


def _reconcile() -> None:
    close_old_connections()
    try:
        services.reconcile()
    finally:
        close_old_connections()


class DailySweep:
    """When `manage.py cleanup_images` is due. The time of the last run is kept in a file, so a restart repeats none."""

    def __init__(self, record: Path, *, hour: int, now: Callable[[], dt.datetime] = timezone.localtime) -> None:
        self._record = record
        self._hour = hour
        self._now = now
        self.due_at = self._plan()

    @property
    def is_due(self) -> bool:
        return self._now() >= self.due_at

    def ran(self, *, successfully: bool) -> None:
        now = self._now()
        if successfully:
            self._record.write_text(now.isoformat(), encoding="ascii")
            self.due_at = self._plan()
        else:
            self.due_at = now + dt.timedelta(hours=1)

    def _plan(self) -> dt.datetime:
        now, last = self._now(), None
        with suppress(OSError, ValueError):
            last = dt.datetime.fromisoformat(self._record.read_text(encoding="ascii"))
        if last is None or now - last > _DAY:
            return now + _CATCH_UP_AFTER  # not amid the start, which is busy enough
        today = now.replace(hour=self._hour, minute=0, second=0, microsecond=0)
        return today if today > now else today + _DAY
