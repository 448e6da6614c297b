"""The disk on which the pictures lie, where they lie on one of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from django.core.files.storage import default_storage


class NoLocalDisk(Exception):
    """The pictures are in an object store, which has no end that we know of."""


class Use(NamedTuple):
    """Bytes of the disk with the pictures, as `df` counts them: what is reserved for root is nobody's."""

    used: int
    total: int

    @property
    def free(self) -> int:
        return self.total - self.used

    @property
    def percent(self) -> float:
        return 100 * self.used / self.total


def folder_of(name: str) -> Path:
    """Where the storage keeps the folder `name`, which need not be there yet. Raises NoLocalDisk."""
    try:
        return Path(default_storage.path(name))
    except NotImplementedError:  # so Django's storages say that they have no paths
        raise NoLocalDisk from None


def use() -> Use:
    """Raises NoLocalDisk."""
    folder = folder_of("")
    while not folder.exists():  # before the first picture
        folder = folder.parent
    disk = shutil.disk_usage(folder)
    return Use(disk.used, disk.used + disk.free)
