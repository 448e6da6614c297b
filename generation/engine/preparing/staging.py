"""The folder in which a model is made ready: what is finished there stays, checked, for the next run.

Owns the layout under `.preparing/` in the models folder, named after model, format and revision, so that an interrupted
run is gone on with only by one that wants the same. Files go through one at a time: fetched, compared with what their
publisher says of them, converted, put in place, noted. So the disk needs room for the result and one file more.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from generation.engine.exceptions import ModelBroken
from generation.engine.preparing.converting import convert, converted_size, needs_conversion
from generation.engine.preparing.repository import Fetched, Repository, RepositoryFile, digest

FOLDER = ".preparing"


class Staging:
    """A model half made. `model` is the folder that becomes the prepared one."""

    def __init__(self, models_dir: Path, name: str, repository: Repository, dtype: torch.dtype) -> None:
        word = str(dtype).removeprefix("torch.")
        self.root = models_dir / FOLDER / name / f"{word}.{repository.revision}"
        self.model, self.downloads = self.root / "model", self.root / "downloads"
        self._repository, self._dtype = repository, dtype
        self._notes = self.root / "finished.json"
        self.model.mkdir(parents=True, exist_ok=True)
        for other in self.root.parent.iterdir():  # of another revision or format: nobody goes on with that
            if other != self.root:
                shutil.rmtree(other)
        self.downloads.mkdir(exist_ok=True)
        self._finished = self._read_notes()

    def is_finished(self, file: RepositoryFile) -> bool:
        return file.path in self._finished

    def missing_bytes(self, files: Sequence[RepositoryFile], beside: float = 0.0) -> int:
        """How much room the rest needs on the disk: all results, and the largest file before it is converted.

        beside: bytes of what is then made from the results, for each byte of all of them.
        """
        finished, results, largest = 0, 0, 0
        for file in files:
            if self.is_finished(file):
                finished += (self.model / file.path).stat().st_size
                continue
            tensors = self._repository.tensors(file) if file.is_weights else []
            size = converted_size(file.size, tensors, self._dtype)
            results += size
            largest = max(largest, file.size if size != file.size or not tensors else 0)
        there = sum(path.stat().st_size for path in self.downloads.rglob("*") if path.is_file())
        return max(0, results + largest - there) + int(beside * (finished + results))

    def bring(self, file: RepositoryFile, on_bytes: Callable[[int], None]) -> None:
        """Make one file ready. ModelBroken if it came damaged: it is thrown away then, so that it is fetched anew."""
        if self.is_finished(file):
            on_bytes(file.size)
            return
        fetched = self._repository.fetch(file, self.downloads, on_bytes)
        if not file.matches(fetched.path):
            if fetched.is_ours:
                fetched.path.unlink()
            raise ModelBroken(
                f"{file.path} of {self._repository.id} came damaged and was thrown away; run the same command again "
                "to fetch it anew, the rest stays."
            )
        self._put_in_place(file, fetched)

    def clear(self) -> None:
        """Remove what is left once the model has been moved to its place."""
        shutil.rmtree(self.root.parent, ignore_errors=True)

    def _put_in_place(self, file: RepositoryFile, fetched: Fetched) -> None:
        ready = fetched.path
        if file.is_weights and needs_conversion(fetched.path, self._dtype):
            ready = self.root / "converted.part"
            convert(fetched.path, ready, self._dtype)
        elif not fetched.is_ours:
            ready = self.root / "copied.part"
            shutil.copyfile(fetched.path, ready)
        checksum = file.sha256 if ready == fetched.path and file.sha256 else digest(ready)
        with ready.open("rb+") as written:
            os.fsync(written.fileno())
        target = self.model / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        ready.replace(target)
        self._finished[file.path] = checksum
        self._write_notes()
        if fetched.is_ours:
            fetched.path.unlink(missing_ok=True)

    def _read_notes(self) -> dict[str, str]:
        """Checksums of finished files by path, of those that still are what they were."""
        try:
            noted: dict[str, str] = json.loads(self._notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        paths = {name: self.model / name for name in noted}
        return {name: noted[name] for name, path in paths.items() if path.is_file() and digest(path) == noted[name]}

    def _write_notes(self) -> None:
        draft = self._notes.with_suffix(".part")
        draft.write_text(json.dumps(self._finished, indent=2), encoding="utf-8")
        draft.replace(self._notes)
