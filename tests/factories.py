"""Rows for tests, made the way the application makes them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import PIL.Image
from django.contrib.auth.models import User
from django.utils import timezone

from gallery import storing
from gallery.models import Image


def make_picture(width: int = 96, height: int = 64) -> PIL.Image.Image:
    """Pixels that differ from place to place, so that files have a real size."""
    red = PIL.Image.linear_gradient("L").resize((width, height))
    green = PIL.Image.radial_gradient("L").resize((width, height))
    return PIL.Image.merge("RGB", (red, green, red.transpose(PIL.Image.Transpose.ROTATE_180)))


def make_image(
    owner: User,
    *,
    age: dt.timedelta = dt.timedelta(minutes=5),
    in_bin_for: dt.timedelta | None = None,
    favourite: bool = False,
    width: int = 96,
    height: int = 64,
    **facts: Any,
) -> Image:
    """A stored picture with real files, made `age` ago."""
    facts = {"prompt": "a lighthouse at dusk", "steps": 8, "seed": 42, "seconds": 1.5, "model": "Starter"} | facts
    drawn = storing.DrawnPicture(width=width, height=height, created_at=timezone.now() - age, **facts)
    image = storing.keep(owner_id=owner.pk, picture=make_picture(width, height), drawn=drawn)
    if in_bin_for is not None:
        image.deleted_at = timezone.now() - in_bin_for
    image.favourite = favourite
    image.save(update_fields=["deleted_at", "favourite"])
    return image
