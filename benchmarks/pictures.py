"""A large gallery, made fast: a few pictures are drawn and encoded, and their files get many names."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import PIL.Image
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from gallery import storing
from gallery.models import THUMBNAIL_SIDES, Image
from gallery.storing import DrawnPicture
from starter_model import drawing, scenes

SIZES = ((512, 512), (640, 480), (480, 640), (768, 512), (512, 768), (896, 512))
_EACH = 4  # different pictures of a size
_A_DAY = 50  # pictures


def make(owner: User, number: int, *, grain: float = 0.0) -> float:
    """Give `owner` so many pictures, 50 a day; answers the mean length of their thumbnails of 512 pixels in bytes.

    `grain` roughens them by so many levels of 256, which makes files as heavy as those of photographs.
    """
    patterns = [_pattern(owner, seed, grain) for seed in range(_EACH * len(SIZES))]
    dice = np.random.default_rng(7)
    rows, now = [], timezone.now()
    for index in range(number):
        pattern = patterns[int(dice.integers(len(patterns)))]
        row = Image(owner=owner, created_at=now - dt.timedelta(days=1) * index / _A_DAY, bytes=pattern.bytes)
        for name in ("prompt", "width", "height", "steps", "seed", "model"):
            setattr(row, name, getattr(pattern, name))
        row.favourite = index % 10 == 0
        for field in ("file", *(f"thumbnail_{side}" for side in THUMBNAIL_SIDES)):
            name = getattr(pattern, field).name
            setattr(row, field, _under_another_name(name, f"{row.pk}{name[name.index('.') :]}"))
        rows.append(row)
    Image.objects.bulk_create(rows, batch_size=400)
    return float(np.mean([pattern.thumbnail_512.size for pattern in patterns]))


def _pattern(owner: User, seed: int, grain: float) -> Image:
    width, height = SIZES[seed % len(SIZES)]
    dice = np.random.default_rng(seed)
    pixels = drawing.draw(dice, scenes.sample_landscape(dice), height, width)
    rough = pixels + dice.normal(0, grain, pixels.shape)
    picture = PIL.Image.fromarray(np.clip(rough, 0, 255).astype(np.uint8))
    drawn = DrawnPicture(
        prompt=f"number {seed}: a quiet landscape at dusk, low sun over still water, mist between the hills",
        width=width,
        height=height,
        steps=8,
        seed=seed,
        model="Starter",
        created_at=timezone.now() - dt.timedelta(days=10_000),
    )
    image = storing.draft(owner_id=owner.pk, drawn=drawn)
    storing.write_files(image, storing.encode(picture, drawn))
    return image  # its row is never stored: it lends its files


def _under_another_name(name: str, other: str) -> str:
    media = Path(settings.MEDIA_ROOT)
    target = (Path(name).parent / other).as_posix()
    os.link(media / name, media / target)
    return target
