"""The styles as they are now: those that can be asked for, and the names of all that ever could.

They are asked for with every page and every picture and changed once in a while, in another process perhaps: what was
read is believed for two seconds. While the database is away, what was read last holds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from django.db import DatabaseError
from django.utils.translation import gettext as _

from generation.models import Style

logger = logging.getLogger(__name__)

_SECONDS = 2.0
_read: tuple[float, Mapping[str, Style]] | None = None


def everything() -> Mapping[str, Style]:
    """All styles by key in the order in which they are shown, with those that are not offered any more."""
    global _read
    if _read is None or time.monotonic() - _read[0] > _SECONDS:
        try:
            _read = (time.monotonic(), {style.key: style for style in Style.objects.all()})
        except DatabaseError:
            if _read is None:
                raise
            logger.exception("The styles could not be read; those read last hold.")
    return _read[1]


def offered() -> Mapping[str, Style]:
    """Those that can be asked for."""
    return {key: style for key, style in everything().items() if style.is_active}


def forget() -> None:
    """Read afresh next time."""
    global _read
    _read = None


def apply(key: str, prompt: str) -> str:
    """The words that the model reads. No style, or one that was deleted, adds none."""
    style = everything().get(key) if key else None
    return style.apply(prompt) if style else prompt


def name(key: str) -> str:
    """In the reader's language; the key itself for one that was deleted since."""
    style = everything().get(key)
    return style.name if style else key


def names() -> dict[str, str]:
    return {key: style.name for key, style in everything().items()}


def styles_json() -> list[dict[str, str]]:
    """What can be chosen, no style first."""
    return [{"key": "", "label": _("None")}, *({"key": key, "label": s.name} for key, s in offered().items())]
