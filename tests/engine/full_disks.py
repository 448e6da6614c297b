"""Disks without room: how a process gets one, and what `prepare_model` says of it, whoever publishes the model."""

from __future__ import annotations

import resource

TOO_SMALL = "GB left; free some or set ZIMAGE_DATA_DIR to another disk"
FULL = "is full; free some and run the same command again"


def fill_the_disk() -> None:
    """In the process that is about to start: no file may grow beyond what small ones need."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
