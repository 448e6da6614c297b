"""What models are called and what the folder of one must hold. Reads no weights and imports nothing heavy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

TURBO = "Tongyi-MAI/Z-Image-Turbo"
INDEX_FILE = "model_index.json"
"""By this a folder in diffusers format is known; it names the class of the pipeline and its parts."""
DESCRIPTION_FILE = "zimageweb.json"
"""Our own, and optional: what a model says of itself. See `sources.Source.said`."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_HASHED_BYTES = 1 << 20


def is_hub_id(model: str) -> bool:
    """Whether a hub could know a model under that name."""
    return _HUB_ID.fullmatch(model) is not None


def folder_revision(folder: Path) -> str:
    """A hash over names and contents, where there is no commit."""
    return _hash_files(folder, folder.rglob("*"))


def file_revision(file: Path) -> str:
    """The same of a single file."""
    return _hash_files(file.parent, [file])


def _hash_files(root: Path, paths: Iterable[Path]) -> str:
    """Of a large file its size and its two ends count: reading 20 GB takes a minute."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        inside = path.relative_to(root)
        if not path.is_file() or any(part.startswith(".") for part in inside.parts):
            continue
        size = path.stat().st_size
        digest.update(f"{inside.as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(_HASHED_BYTES))
            if size > _HASHED_BYTES:
                file.seek(max(_HASHED_BYTES, size - _HASHED_BYTES))
                digest.update(file.read())
    return digest.hexdigest()[:12]
