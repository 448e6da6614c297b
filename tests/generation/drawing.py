"""Drawing what waits with a studio, and what is there afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from django.conf import settings
from PIL import Image as PillowImage

from gallery.models import Image
from generation.jobs import Studio
from generation.models import Generation


def draw_all(studio: Studio) -> None:
    while studio.draw_next_batch():
        pass
    studio.close()


def pixels(image: Image) -> np.ndarray:
    with image.file.open() as file, PillowImage.open(file) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def fresh(row: Generation) -> Generation:
    return Generation.objects.select_related("image").get(pk=row.pk)
