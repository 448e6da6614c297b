"""What the domain refuses, and why. Translated to HTTP in one place only (`zimageweb.problems`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass


class GenerationError(Exception):
    """Base of all refusals; `str()` is one plain sentence for the person, in their language."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that cannot be taken, and the limit that it broke."""

    field: str
    message: str
    limit: int | float | str | None = None


class InvalidParameters(GenerationError):
    """The request names something the model or the site cannot do."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(" ".join(str(error.message) for error in errors))
        self.errors = tuple(errors)


class QuotaExceeded(GenerationError):
    """The person has used up what they may have. `resets_at` is None where waiting for a date does not help."""

    def __init__(self, message: str, *, quota: str, limit: int, used: int, resets_at: dt.datetime | None) -> None:
        super().__init__(message)
        self.quota, self.limit, self.used, self.resets_at = quota, limit, used, resets_at


class RateLimited(GenerationError):
    """The person asks faster than they may. `retry_after` are the seconds until the next request is taken."""

    def __init__(self, message: str, *, limit: int, retry_after: float) -> None:
        super().__init__(message)
        self.limit, self.retry_after = limit, retry_after


class IdempotencyConflict(GenerationError):
    """The same Idempotency-Key came with another request."""


class InvalidTransition(GenerationError):
    """The row is not in a state from which this is possible."""


class NotDrawn(GenerationError):
    """What somebody waited for came to another end than a picture. `failure` is empty when it was cancelled."""

    def __init__(self, message: str, *, generations: Sequence[int], failure: str = "") -> None:
        super().__init__(message)
        self.generations, self.failure = tuple(generations), failure


class NotDrawnInTime(GenerationError):
    """Somebody waited for a picture as long as they may. `is_running`: it is being drawn and will be in the gallery."""

    def __init__(self, message: str, *, generations: Sequence[int], is_running: bool) -> None:
        super().__init__(message)
        self.generations, self.is_running = tuple(generations), is_running
