"""The rows of this room. `generation` holds the state machine; the row is the job."""

from __future__ import annotations

from generation.models.generation import (
    ACTIVE_STATES,
    MAX_ATTEMPTS,
    TERMINAL_STATES,
    Batch,
    Failure,
    Generation,
    GenerationQuerySet,
    State,
    next_seq,
)
from generation.models.queue import QueueClock, QueueShare
from generation.models.quota import LedgerEntry, Quota, Reason
from generation.models.style import Style
from generation.models.worker import Worker

__all__ = [
    "ACTIVE_STATES",
    "MAX_ATTEMPTS",
    "TERMINAL_STATES",
    "Batch",
    "Failure",
    "Generation",
    "GenerationQuerySet",
    "LedgerEntry",
    "QueueClock",
    "QueueShare",
    "Quota",
    "Reason",
    "State",
    "Style",
    "Worker",
    "next_seq",
]
