"""Files without a row, and rows without a file.

Files without a row are left behind by a process that was killed between writing and saving, or by a storage that was
away when a row was deleted; they are removed. Rows without a file are only told of: a disk that is not mounted must not
empty the gallery.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from django.core.files.storage import default_storage

from gallery.models import THUMBNAIL_SIDES, Archive, Image, Input
from gallery.services import CHUNK, chunks

FOLDERS = ("images", "inputs", "archives")
SETTLED = dt.timedelta(hours=1)  # a picture is being stored right now: its files are there and its row is not yet
SUSPICIOUS = 100  # so many files beside an empty table are another database's pictures

FILE_FIELDS = ("file", *(f"thumbnail_{side}" for side in THUMBNAIL_SIDES))


@dataclass(frozen=True, slots=True)
class StrayFile:
    """A file that no row names. `since` is when it was last written."""

    name: str
    since: dt.datetime
    bytes: int


@dataclass(frozen=True, slots=True)
class MissingFiles:
    """A row of which some files are not there."""

    id: UUID
    owner: str
    names: tuple[str, ...]


def compare(now: dt.datetime) -> tuple[list[StrayFile], list[MissingFiles]]:
    """The files below `FOLDERS` that are older than an hour and have no row, and the rows that lack a file."""
    there = {name for folder in FOLDERS for name in _walk(folder)}
    return _strays(there, now), _missing(there)


def _strays(there: set[str], now: dt.datetime) -> list[StrayFile]:
    strays = []
    for names in _in_chunks(sorted(there)):
        for name in names - _named(names):
            try:
                written, size = default_storage.get_modified_time(name), default_storage.size(name)
            except FileNotFoundError:  # someone else deleted it
                continue
            if now - written > SETTLED:
                strays.append(StrayFile(name, written, size))
    return sorted(strays, key=lambda stray: stray.name)


def _missing(there: set[str]) -> list[MissingFiles]:
    missing = []
    images = Image.objects.order_by("created_at", "id").values_list("pk", "owner__username", *FILE_FIELDS)
    brought = Input.objects.order_by("used_at", "id").values_list("pk", "owner__username", "file")
    for pk, owner, *names in chain(images.iterator(chunk_size=CHUNK), brought.iterator(chunk_size=CHUNK)):
        # Files written since the folders were listed are asked for once more.
        gone = tuple(name for name in names if name not in there and not (name and default_storage.exists(name)))
        if gone:
            missing.append(MissingFiles(pk, owner, gone))
    # And rows deleted since then lack nothing.
    still = {
        pk
        for chunk in chunks(row.id for row in missing)
        for kind in (Image, Input)
        for pk in kind._default_manager.filter(pk__in=chunk).values_list("pk", flat=True)
    }
    return [row for row in missing if row.id in still]


def are_suspicious(strays: list[StrayFile]) -> bool:
    """Whether the files seem to belong to another database, so that deleting them would lose a whole gallery."""
    return len(strays) > SUSPICIOUS and not Image.objects.exists()


def delete(strays: Iterable[StrayFile]) -> tuple[int, int]:
    """Delete the files that still have no row; how many, and their bytes."""
    number = size = 0
    by_name = {stray.name: stray for stray in strays}
    for names in _in_chunks(by_name):
        for name in names - _named(names):
            if default_storage.exists(name):
                default_storage.delete(name)
                number += 1
                size += by_name[name].bytes
    return number, size


def _walk(folder: str) -> Iterator[str]:
    """The names of all files below `folder`; hidden ones, which a file system keeps for itself, are passed over."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in files if not name.startswith("."))
    for name in folders:
        yield from _walk(f"{folder}/{name}")


def _named(names: Iterable[str]) -> set[str]:
    """Those of `names` that a row names. A file is named after its row, so this looks only at primary keys."""
    ids = {identity for name in names if (identity := _identity(name))}
    rows = Image.objects.filter(pk__in=ids).values_list(*FILE_FIELDS)
    brought = Input.objects.filter(pk__in=ids).values_list("file")
    packed = Archive.objects.filter(pk__in=ids).values_list("file")
    return {name for row in chain(rows, brought, packed) for name in row}


def _identity(name: str) -> UUID | None:
    try:
        return UUID(name.rpartition("/")[2][:36])
    except ValueError:
        return None


def _in_chunks(names: Iterable[str]) -> Iterator[set[str]]:
    chunk: set[str] = set()
    for name in names:
        chunk.add(name)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = set()
    if chunk:
        yield chunk
