"""Whether the data folder can be written to, and how much room is left on its disk."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

_MEGABYTE = 1_000_000


def write_failure(folder: Path) -> str | None:
    """Why `folder` cannot be written to, or None. It is tried: permission bits say nothing of a full or remote disk."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".probe") as probe:
            probe.write(b"probe")
    except OSError as error:
        return error.strerror or str(error)
    return None


def free_megabytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free // _MEGABYTE
