"""Rows for tests, made the way the application makes them."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import PIL.Image
from django.contrib.auth.models import User
from django.utils import timezone
from PIL.PngImagePlugin import PngInfo

from gallery import inputs, storing
from gallery.models import Image, Input

# What AUTOMATIC1111 writes into the chunk `parameters`.
INFOTEXT = (
    "a red fox, (snow:1.2),\nlow sun\n"
    "Negative prompt: blurry,\nugly\n"
    "Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 9988776655, Size: 512x768, "
    'Model hash: 6ce0161689, Model: v1-5, Lora hashes: "one: 1a2b, two: 3c4d", ADetailer prompt: "Seed: 1, Steps: 2", '
    "Version: v1.10.1"
)


def make_picture(width: int = 96, height: int = 64) -> PIL.Image.Image:
    """Pixels that differ from place to place, so that files have a real size."""
    red = PIL.Image.linear_gradient("L").resize((width, height))
    green = PIL.Image.radial_gradient("L").resize((width, height))
    return PIL.Image.merge("RGB", (red, green, red.transpose(PIL.Image.Transpose.ROTATE_180)))


def make_png(texts: dict[str, str]) -> bytes:
    """A picture file of 96 by 64 pixels, with text chunks as any tool may write them."""
    information = PngInfo()
    for name, text in texts.items():
        information.add_text(name, text)
    file = io.BytesIO()
    make_picture().save(file, "PNG", pnginfo=information)
    return file.getvalue()


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


def as_file(picture: PIL.Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """What a person would upload."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def make_input(owner: User, picture: PIL.Image.Image | None = None) -> Input:
    """A picture that was brought to start from."""
    return inputs.keep(owner_id=owner.pk, file=io.BytesIO(as_file(picture or make_picture())))
