"""Prepared models: where they lie in the data folder, and the record that says what each of them is.

Owns the names of those folders and the file `prepared.json` in them. Reads and writes no weights and imports nothing
heavy. Making such a folder is `preparing`'s.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

RECORD_FILE = "prepared.json"


@dataclass(frozen=True, slots=True)
class Record:
    """What a prepared folder holds: `files` gives the size of each file by its path in the folder.

    dtype: of all weights that `quantization` does not pack.
    """

    id: str
    source: str
    revision: str
    licence: str
    dtype: str
    prepared_at: str
    files: dict[str, int]
    quantization: str = "none"

    @property
    def size(self) -> int:
        """Of all files together, in bytes."""
        return sum(self.files.values())


def folder_for(models_dir: Path, model: str) -> Path:
    """Where the model of that hub id, or of a folder of that name, is put. A hub id holds one slash, a name none."""
    return models_dir / model.replace("/", "--")


def find_prepared(models_dir: Path | None, model: str) -> Path | None:
    """The folder in which that model was prepared, if it was."""
    if models_dir is None:
        return None
    folder = folder_for(models_dir, model)
    record = read_record(folder)
    return folder if record and record.id == model else None


def read_record(folder: Path) -> Record | None:
    """What `folder` is said to hold, or None if nothing was prepared there."""
    try:
        return Record(**json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_record(folder: Path, record: Record) -> None:
    """Put the record into the folder that it describes."""
    text = json.dumps(dataclasses.asdict(record), indent=2, ensure_ascii=False)
    (folder / RECORD_FILE).write_text(text + "\n", encoding="utf-8")


def is_whole(folder: Path, record: Record) -> bool:
    """Whether every file is there in its full length. What a disk has changed inside a file this does not see."""
    paths = {folder / path: size for path, size in record.files.items()}
    return all(path.is_file() and path.stat().st_size == size for path, size in paths.items())
