"""For how many days whose pictures are kept.

Single people may have other days than the site. Those come from their quotas, which are another room's business: this
room asks by the name in the settings and knows nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from django.conf import settings
from django.utils.module_loading import import_string

_SECONDS = 15.0
_read: tuple[float, Mapping[int, int | None]] = (0.0, {})


def days_of_people() -> Mapping[int, int | None]:
    """Days by person for whom not RETENTION_DAYS holds; None: for ever."""
    ask: Callable[[], Mapping[int, int]] = import_string(settings.RETENTION_DAYS_OF_PEOPLE)
    return {owner: days or None for owner, days in ask().items()}


def days_of(owner_id: int) -> int | None:
    """Days for which this person's pictures are kept; None: for ever.

    Asked for every picture of a page, and changed by an administrator once in a while: so what was read is believed
    for some seconds. The sweep itself reads afresh.
    """
    global _read
    if time.monotonic() - _read[0] > _SECONDS:
        _read = (time.monotonic(), days_of_people())
    return _read[1].get(owner_id, settings.RETENTION_DAYS or None)


def forget() -> None:
    """Read afresh next time."""
    global _read
    _read = (0.0, {})
