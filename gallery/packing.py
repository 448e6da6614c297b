"""Writing pictures into a ZIP file. They are stored as they are: a PNG gets no smaller."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from django.core.files import File
from django.utils import timezone
from django.utils.text import slugify

from gallery import disk
from gallery.models import Archive, Image

LONGEST_SLUG = 60  # characters; file systems take 255 bytes, and three of them are one Chinese character
PIECE = 1_048_576  # bytes


class NothingToPack(Exception):
    """None of the pictures is there any more."""


class Packed(NamedTuple):
    number: int
    bytes: int


class _Written(File[bytes]):
    """A file that Django's storage may move instead of copying it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def pack(images: Iterable[Image], archive: Archive) -> Packed:
    """Put the pictures into a ZIP and give it to `archive.file`; the row is the caller's. Pictures whose file is gone
    are left out. Raises NothingToPack, OSError."""
    with tempfile.NamedTemporaryFile(dir=_scratch(), prefix="packing-", suffix=".zip", delete=False) as file:
        path = Path(file.name)
    try:
        number = _write(path, images)
        if not number:
            raise NothingToPack
        size = path.stat().st_size
        with path.open("rb") as written:
            # A name of its own for each attempt: one that was taken to be lost may still be at work.
            archive.file.save(f"{archive.pk}.{uuid4().hex[:8]}.zip", _Written(written, str(path)), save=False)
    finally:
        path.unlink(missing_ok=True)
    return Packed(number, size)


def _scratch() -> Path | None:
    """Beside the finished ones, where moving costs nothing, and where a sweep finds what a killed process left."""
    try:
        folder = disk.folder_of("archives")
    except disk.NoLocalDisk:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(path: Path, images: Iterable[Image]) -> int:
    number = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for image, name in names(images):
            entry = zipfile.ZipInfo(name, timezone.localtime(image.created_at).timetuple()[:6])
            entry.external_attr = 0o644 << 16
            try:
                source = image.file.open("rb")
            except (FileNotFoundError, ValueError):  # ValueError: the row has no file
                continue
            with source, file.open(entry, "w", force_zip64=True) as target:
                for piece in source.chunks(PIECE):
                    target.write(piece)
            number += 1
    return number


def names(images: Iterable[Image]) -> Iterator[tuple[Image, str]]:
    """Each image with a name for it that says when and what, and that no other one has."""
    taken: set[str] = set()
    for image in images:
        prompt = slugify(image.prompt[:400], allow_unicode=True)[:LONGEST_SLUG].strip("-_")
        stem = "_".join(
            filter(None, (f"{timezone.localtime(image.created_at):%Y-%m-%d_%H%M%S}", prompt, str(image.seed)))
        )
        name, further = f"{stem}.png", 2
        while name.lower() in taken:  # some file systems do not tell upper and lower case apart
            name, further = f"{stem}_{further}.png", further + 1
        taken.add(name.lower())
        yield image, name
