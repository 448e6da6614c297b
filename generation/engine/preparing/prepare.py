"""`prepare`: a model from a hub or a folder into the data folder, in the format it is to run in, proven by a picture.

Owns the order of the steps and what may be claimed at the end. Whatever ends it early, no half model lies where a
worker looks, and the next call goes on with what is finished (`staging`).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generation.engine.devices import DTYPES, choose_device
from generation.engine.exceptions import DiskFull, EngineError, ModelBroken, ModelNotFound
from generation.engine.model_folder import INDEX_FILE, TURBO, is_hub_id
from generation.engine.prepared import RECORD_FILE, Record, folder_for, is_whole, read_record, write_record
from generation.engine.preparing.huggingface import HuggingFaceRepository
from generation.engine.preparing.modelscope import ModelScopeRepository
from generation.engine.preparing.packing import ROOM, require_packable, write_packed
from generation.engine.preparing.proof import Proof, prove
from generation.engine.preparing.repository import (
    FolderRepository,
    Repository,
    RepositoryFile,
    gigabytes,
    is_full,
    needed_files,
)
from generation.engine.preparing.staging import FOLDER, Staging
from generation.engine.types import EngineOptions

SOURCES: dict[str, Callable[[str], Repository]] = {
    "huggingface": HuggingFaceRepository,
    "modelscope": ModelScopeRepository,
}


class Narrator(Protocol):
    """Is told how far it is."""

    def say(self, sentence: str) -> None: ...
    def advance(self, done: int, total: int, what: str) -> None:
        """So many bytes of all are there; `what` is the file at hand."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The form in which a model is to lie on the disk."""

    dtype: str
    quantization: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What lies where, from how many bytes it was made in this call (0: it was there), and the proof that it draws."""

    folder: Path
    record: Record
    made_from: int
    proof: Proof


def prepare(
    model: str, source: str, dtype: str, options: EngineOptions, narrator: Narrator, *, quantization: str = "none"
) -> Prepared:
    """Make `model`, a hub id or a folder, ready under `options.models_dir`; `options` say how the picture is drawn.

    quantization: "none", or how the weights of its large parts are packed on the disk. Raises EngineErrors whose
    sentences say what to do; calling again goes on where it stopped.
    """
    models_dir = options.models_dir
    if models_dir is None:
        raise EngineError("There is no folder for prepared models; set ZIMAGE_DATA_DIR.")
    if dtype not in DTYPES:
        raise EngineError(f"--dtype is “{dtype}”; choose one of {', '.join(DTYPES)}.")
    wanted = Wanted(dtype, quantization)
    if quantization != "none":
        require_packable(quantization, choose_device(options.device))
    with _disk_explained(models_dir):
        models_dir.mkdir(parents=True, exist_ok=True)
        with _alone(models_dir):
            repository = open_repository(model, source)
            target = folder_for(models_dir, repository.id)
            if Path(model).expanduser().resolve() == target.resolve():
                raise EngineError(f"{target} lies already where prepared models are kept; give what it was made from.")
            if found := _already_prepared(target, repository, wanted, options, narrator):
                return found
            return _prepare(repository, target, wanted, options, narrator)


def open_repository(model: str, source: str) -> Repository:
    """The model that `model` names. Raises ModelNotFound if it is neither a folder with a model nor a known id."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / INDEX_FILE).is_file():
            raise ModelNotFound(
                f"The folder {folder} holds no {INDEX_FILE}; give the folder of a model in diffusers format."
            )
        return FolderRepository(folder)
    if not is_hub_id(model):
        raise ModelNotFound(f"“{model}” is neither a folder here nor a name on a hub like {TURBO}; correct it.")
    return SOURCES[source](model)


def _already_prepared(
    target: Path, repository: Repository, wanted: Wanted, options: EngineOptions, narrator: Narrator
) -> Prepared | None:
    """What an earlier call has made of the same model in the same format, if that can still be drawn with."""
    record = read_record(target)
    if target.exists() and (record is None or record.id != repository.id):
        raise EngineError(f"Something else is in the way at {target}; move it away and run again.")
    if record is None:
        return None
    asked = (repository.id, repository.source, repository.revision, wanted)
    made = (record.id, record.source, record.revision, Wanted(record.dtype, record.quantization))
    if made != asked or not is_whole(target, record):
        return None
    narrator.say(f"{repository.id} was prepared before; drawing one picture to check it.")
    try:
        return Prepared(target, record, 0, prove(target, record, options))
    except ModelBroken:
        narrator.say("It is damaged and is prepared anew.")
        return None


def _prepare(
    repository: Repository, target: Path, wanted: Wanted, options: EngineOptions, narrator: Narrator
) -> Prepared:
    staging = Staging(target.parent, target.name, repository, DTYPES[wanted.dtype])
    files = _choose(repository, staging)
    _require_room(staging, files, wanted, repository, narrator)
    _bring_all(staging, files, narrator)
    made = staging.model
    if wanted.quantization != "none":
        narrator.say(f"Packing the weights to {wanted.quantization}.")
        made = staging.root / "packed"
        write_packed(staging.model, made, wanted.dtype, wanted.quantization, choose_device(options.device))
    record = Record(
        id=repository.id,
        source=repository.source,
        revision=repository.revision,
        licence=repository.licence,
        dtype=wanted.dtype,
        quantization=wanted.quantization,
        prepared_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        files=_sizes(made),
    )
    write_record(made, record)
    narrator.say("Drawing one picture to check it.")
    proof = prove(made, record, options)
    if target.exists():  # an older one, which read_record has recognised
        target.rename(staging.root / "replaced")
    made.rename(target)
    staging.clear()
    return Prepared(target, record, sum(file.size for file in files), proof)


def _sizes(folder: Path) -> dict[str, int]:
    """Without the record, which a run that was interrupted may have left."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD_FILE)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}


def _choose(repository: Repository, staging: Staging) -> list[RepositoryFile]:
    index = next((file for file in repository.files if file.path == INDEX_FILE), None)
    if index is None:
        raise ModelBroken(f"{repository.id} holds no {INDEX_FILE}; choose a Z-Image model in diffusers format.")
    if staging.is_finished(index):
        path = staging.model / INDEX_FILE
    else:
        path = repository.fetch(index, staging.downloads, lambda _more: None).path
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        if path.is_relative_to(staging.root):
            path.unlink()
        raise ModelBroken(f"The {INDEX_FILE} of {repository.id} came damaged; run the same command again.") from error
    return needed_files(repository.files, described, repository.id)


def _require_room(
    staging: Staging, files: list[RepositoryFile], wanted: Wanted, repository: Repository, narrator: Narrator
) -> None:
    packed = ROOM[wanted.quantization] * 2 / DTYPES[wanted.dtype].itemsize
    needed, free = staging.missing_bytes(files, packed), shutil.disk_usage(staging.root).free
    if needed > free:
        raise DiskFull(
            f"Preparing {repository.id} needs {gigabytes(needed)} in {staging.root.parents[2]}, which has "
            f"{gigabytes(free)} left; free some or set ZIMAGE_DATA_DIR to another disk, and run again."
        )
    narrator.say(
        f"{repository.id}, revision {repository.revision[:12]}, licence {repository.licence}: {len(files)} files, "
        f"{gigabytes(sum(file.size for file in files))}; it needs {gigabytes(needed)} of the {gigabytes(free)} that "
        "are free."
    )


def _bring_all(staging: Staging, files: list[RepositoryFile], narrator: Narrator) -> None:
    total, done = sum(file.size for file in files), 0
    for file in files:
        start = done

        def count(more: int, file: RepositoryFile = file) -> None:
            nonlocal done
            done += more
            narrator.advance(min(done, total), total, file.path)

        narrator.advance(done, total, file.path)
        staging.bring(file, count)
        done = start + file.size
    narrator.advance(total, total, "")


@contextmanager
def _alone(models_dir: Path) -> Iterator[None]:
    """Two at once would write into the same files."""
    (models_dir / FOLDER).mkdir(exist_ok=True)
    with (models_dir / FOLDER / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EngineError(
                "Another prepare_model is at work in this data folder; wait until it has ended."
            ) from error
        yield


@contextmanager
def _disk_explained(models_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull(
                f"The disk of {models_dir} is full; free some and run the same command again, it goes on where it "
                "stopped."
            ) from error
        raise EngineError(
            f"{error.filename or models_dir} cannot be used: {error.strerror or error}; make it writable, or set "
            "ZIMAGE_DATA_DIR to another folder, and run again."
        ) from error
