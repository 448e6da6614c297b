"""A model as somebody publishes it: a list of files at one revision, fetched one by one. And which of them are needed.

Owns what all sources share: the shape of a repository, the choice of the files that a `ZImagePipeline` reads, the check
of a file against what its publisher says of it, and the simplest source, a folder on this machine.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import huggingface_hub

from generation.engine.exceptions import ModelBroken
from generation.engine.model_folder import DESCRIPTION_FILE, INDEX_FILE, folder_revision
from generation.engine.preparing.converting import read_tensors

PARTS = ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")
_UNWANTED = (
    *("*.bin", "*.bin.index.json", "*.pt", "*.pth", "*.ckpt", "*.msgpack", "*.h5", "*.onnx*", "*.gguf"),
    *("*.fp16.*", "*.fp16-*", "*.bf16.*", "*.bf16-*"),  # further variants of the same weights
)


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """One published file. Of the two checksums at most one is given: `git_id` is that of git for a blob."""

    path: str
    size: int
    sha256: str = ""
    git_id: str = ""

    @property
    def is_weights(self) -> bool:
        return self.path.endswith(".safetensors")

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` is this one, as far as its publisher lets us tell."""
        if path.stat().st_size != self.size:
            return False
        if self.sha256:
            return digest(path) == self.sha256
        if self.git_id:
            blob = hashlib.sha1(b"blob %d\0" % self.size + path.read_bytes(), usedforsecurity=False)
            return blob.hexdigest() == self.git_id
        return True


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where a fetched file lies; `is_ours` if it may be moved away, being nobody else's."""

    path: Path
    is_ours: bool


OnBytes = Callable[[int], None]
"""Is told how many bytes more have come; a negative number takes back what must be fetched again."""


class Repository(Protocol):
    """A model at one revision. Everything that reaches for a network raises EngineErrors with sentences."""

    @property
    def id(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def files(self) -> Sequence[RepositoryFile]: ...

    def tensors(self, file: RepositoryFile) -> list[tuple[str, int]]:
        """Format and number of values of each tensor in a file of weights; nothing where it cannot be asked for."""

    def fetch(self, file: RepositoryFile, folder: Path, on_bytes: OnBytes) -> Fetched:
        """Bring the file here. What an earlier call has left of it in `folder` is gone on with."""


class FolderRepository:
    """A model in diffusers format in a folder of this machine. It stays as it is."""

    source = "folder"

    def __init__(self, folder: Path) -> None:
        self.id = folder.resolve().name
        self.revision = folder_revision(folder)
        self.licence = _licence(folder)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self.files = [RepositoryFile(path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths]
        self._folder = folder

    def tensors(self, file: RepositoryFile) -> list[tuple[str, int]]:
        return [(tensor.word, tensor.count) for tensor in read_tensors(self._folder / file.path)]

    def fetch(self, file: RepositoryFile, folder: Path, on_bytes: OnBytes) -> Fetched:
        on_bytes(file.size)
        return Fetched(self._folder / file.path, is_ours=False)


def needed_files(files: Sequence[RepositoryFile], index: Any, name: str) -> list[RepositoryFile]:
    """Those that the pipeline reads which `index`, the content of model_index.json, describes.

    Raises ModelBroken if that is no whole Z-Image pipeline with safetensors weights.
    """
    kind = index.get("_class_name") if isinstance(index, dict) else None
    if kind != "ZImagePipeline":
        raise ModelBroken(f"{name} is a {kind}, not a ZImagePipeline; choose a Z-Image model in diffusers format.")
    wanted = [INDEX_FILE, DESCRIPTION_FILE, *(f"{part}/*" for part in PARTS)]
    chosen = [file for file in files if _matches(file.path, wanted) and not _matches(file.path, _UNWANTED)]
    if any(".." in PurePosixPath(file.path).parts for file in chosen):
        raise ModelBroken(f"{name} lists files outside of its own folder; choose another model.")
    there = {file.path.split("/")[0] for file in chosen}
    weighty = {file.path.split("/")[0] for file in chosen if file.is_weights}
    missing = [part for part in PARTS if part not in there or (part in PARTS[:3] and part not in weighty)]
    if missing:
        raise ModelBroken(
            f"{name} is incomplete: it has no {' and no '.join(missing)} with safetensors weights; choose a whole "
            "Z-Image model in diffusers format."
        )
    return chosen


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def gigabytes(size: int) -> str:
    """For people: 20.5 GB, 3.1 MB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def is_full(error: OSError) -> bool:
    """Whether nothing more may be written: no room, no room for this user, no larger file."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def digest(path: Path) -> str:
    """The SHA-256 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _licence(folder: Path) -> str:
    readme = folder / "README.md"
    if not readme.is_file():
        return "unknown"
    try:
        return str(huggingface_hub.ModelCard.load(readme).data.license or "unknown")
    except (ValueError, OSError):  # no heading that can be read
        return "unknown"
