"""`manage.py cleanup_images` as tests call it, and what is there afterwards."""

from __future__ import annotations

import datetime as dt
import io

from django.core.management import call_command

from gallery.models import Image


def days(number: float) -> dt.timedelta:
    return dt.timedelta(days=number)


def sweep(*arguments: str) -> tuple[list[str], str, str]:
    """The lines, the closing sentence and the warnings."""
    out, err = io.StringIO(), io.StringIO()
    call_command("cleanup_images", *arguments, stdout=out, stderr=err)
    *listed, closing = out.getvalue().replace("\xa0", " ").splitlines()
    return listed, closing, err.getvalue()


def kept() -> set[Image]:
    return set(Image.objects.kept())


def in_bin() -> set[Image]:
    return set(Image.objects.in_bin())
