"""Follows one batch while it is drawn: stores its steps, shows previews, and finds at each step what is not wanted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from django.db import DatabaseError

from generation import services
from generation.engine.types import StepReport
from generation.models import Generation
from generation.showing import Previews

logger = logging.getLogger(__name__)

# Steps are stored and told at most so often: more cannot be told apart, and each costs the engine's time.
_TELLING_SECONDS = 0.15


@dataclass
class Watch:
    """Its `on_step` is called by the thread that draws; the heartbeat asks `silent_seconds`."""

    rows: Sequence[Generation]
    previews: Previews
    leaving: threading.Event
    began: float = field(default_factory=time.monotonic)
    _told: float = 0.0
    _first_step: float | None = None
    _last_step: float | None = None
    _steps: int = 0  # after the first

    @property
    def seconds_per_step(self) -> float | None:
        """None before the second step."""
        if self._first_step is None or self._last_step is None or not self._steps:
            return None
        return (self._last_step - self._first_step) / self._steps

    @property
    def silent_seconds(self) -> float:
        """Since the last step, or since the beginning."""
        return time.monotonic() - (self._last_step or self.began)

    def on_step(self, report: StepReport) -> Collection[int]:
        """Called by the engine after each step; the indexes of the rows that are not to be drawn on."""
        now = self._last_step = time.monotonic()
        if self._first_step is None:
            self._first_step = now
        else:
            self._steps += 1
        if self.leaving.is_set():
            return range(len(self.rows))
        # Usually all of them; after running out of memory the engine draws a batch in parts.
        active = [self.rows[index] for index in report.active]
        try:
            if now - self._told < _TELLING_SECONDS:
                dropped = services.unwanted(rows=active)
            else:
                self._told = now
                dropped = services.record_step(rows=active, step=report.step)
                if report.step < report.steps:
                    self.previews.show(self.rows, report, hidden=dropped)
        except DatabaseError:
            logger.exception("Step %d could not be recorded; drawing goes on.", report.step)
            return ()
        return [index for index, row in enumerate(self.rows) if row.pk in dropped]
