"""From the hub into huggingface_hub's own cache, for a worker whose model was not prepared; says how far it is.

Owns what is said when that fails: what passes by itself, and what somebody has to change. Diffusers would fetch the
files too, but tells nobody how far it is: for half an hour the site would say 15 %.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from generation.engine.exceptions import (
    DiskFull,
    EngineError,
    HubUnreachable,
    ModelBroken,
    ModelNotFound,
    PassingTrouble,
)
from generation.engine.model_folder import INDEX_FILE
from generation.engine.preparing.huggingface import HuggingFaceRepository, explained, meter
from generation.engine.preparing.repository import RepositoryFile, gigabytes, is_full, needed_files
from generation.engine.sources import Source

logger = logging.getLogger(__name__)

_TELL_SECONDS = 0.5


def fetch(source: Source, cache_dir: Path | None, tell: Callable[[float, str], None]) -> Source:
    """The same source with its folder: nothing to do for one that is here, a download for one on the hub.

    `tell` learns the share that is there, once for each percent. Where the hub gives nothing, what the cache holds is
    taken. Raises PassingTrouble or, where only somebody's doing helps, another EngineError.
    """
    if source.folder is not None:
        return source
    last = -1

    def count(done: int, total: int) -> None:
        nonlocal last
        percent = 100 * done // max(total, 1)
        if percent > last:
            last = percent
            tell(percent / 100, f"Downloading {source.name}: {gigabytes(done)} of {gigabytes(total)}")

    cache = Path(cache_dir or constants.HF_HUB_CACHE)
    try:
        return replace(source, folder=_download(source, cache, count))
    except (EngineError, OSError) as error:
        logger.info("%s was not downloaded: %s", source.name, error)
        trouble = _in_words(source, cache, error)
        known = huggingface_hub.try_to_load_from_cache(source.name, INDEX_FILE, cache_dir=cache)
        if not isinstance(known, str):
            raise trouble from error
    return replace(source, folder=Path(known).parent, doubt=trouble if isinstance(trouble, PassingTrouble) else None)


def _in_words(source: Source, cache: Path, error: EngineError | OSError) -> EngineError:
    """What is said where the cache does not hold the model either."""
    if isinstance(error, OSError):
        if is_full(error):
            return DiskFull(
                f"The disk of {cache} is full, and {source.name} is not wholly there yet; free some or set HF_HOME to "
                "another disk. What has come stays."
            )
        return EngineError(
            f"{error.filename or cache} cannot be used: {error.strerror or error}; make it writable or set HF_HOME to "
            "another folder."
        )
    if isinstance(error, HubUnreachable):
        return HubUnreachable(
            f"ZIMAGE_MODEL is {source.name}, which is not wholly on this machine, and {constants.ENDPOINT} does not "
            "give it at the moment; check the network."
        )
    if isinstance(error, PassingTrouble | ModelNotFound | ModelBroken):
        return error
    return ModelNotFound(  # HF_HUB_OFFLINE is set
        f"ZIMAGE_MODEL is {source.name}, which is not on this machine and could not be fetched from the hub; "
        "check the name and the network, or set it to a folder or, without a CUDA device, to auto."
    )


def _download(source: Source, cache: Path, tell: Callable[[int, int], None]) -> Path:
    """Bring what the pipeline needs into the cache, and return its folder there; `tell` learns the bytes that are
    there, and of how many.

    It is told about twice a second and in the caller's thread: huggingface_hub counts in threads of its own, where a
    caller's database connection would be out of place. Raises EngineError with one sentence, or OSError.
    """
    model, repository = source.name, HuggingFaceRepository(source.name)
    silent = meter(lambda _more: None)
    with explained(model):
        index = Path(
            huggingface_hub.hf_hub_download(
                model, INDEX_FILE, revision=repository.revision, cache_dir=cache, tqdm_class=silent
            )
        )
        described = json.loads(index.read_text(encoding="utf-8"))
    wanted = needed_files(repository.files, described, model)
    if source.transformer is not None:
        wanted = [file for file in wanted if not (file.is_weights and file.path.startswith("transformer/"))]
    _require_room(repository, wanted, cache)
    fetching = _Fetching(repository, wanted, cache)
    fetching.start()
    while fetching.is_alive():
        fetching.join(_TELL_SECONDS)
        tell(min(fetching.done, fetching.total), fetching.total)
    with explained(model):
        if fetching.error:
            raise fetching.error
        # Last, so that without a network only what came whole is found: notes which revision is the newest.
        huggingface_hub.hf_hub_download(model, INDEX_FILE, cache_dir=cache, tqdm_class=silent)
    return index.parent


def _require_room(repository: HuggingFaceRepository, files: Sequence[RepositoryFile], cache: Path) -> None:
    """Raises DiskFull where the disk has no room for those that the cache lacks."""
    contents = cache / repo_folder_name(repo_id=repository.id, repo_type="model") / "blobs"
    needed = sum(file.size for file in files if not (contents / (file.sha256 or file.git_id)).is_file())
    place = next(folder for folder in (cache, *cache.absolute().parents) if folder.is_dir())
    if needed > (free := shutil.disk_usage(place).free):
        raise DiskFull(
            f"Downloading {repository.id} needs {gigabytes(needed)} in {cache}, which has {gigabytes(free)} left; "
            "free some or set HF_HOME to another disk."
        )


class _Fetching(threading.Thread):
    """Fetches files into the cache and counts their bytes. A daemon: a process that is told to end need not wait."""

    def __init__(self, repository: HuggingFaceRepository, files: Sequence[RepositoryFile], cache: Path) -> None:
        super().__init__(name="hub", daemon=True)
        self.total, self.done = sum(file.size for file in files), 0
        self.error: Exception | None = None
        self._repository, self._files, self._cache = repository, files, cache

    def run(self) -> None:
        finished = 0
        try:
            for file in self._files:
                huggingface_hub.hf_hub_download(
                    self._repository.id,
                    file.path,
                    revision=self._repository.revision,
                    cache_dir=self._cache,
                    tqdm_class=meter(self._count),
                )
                finished += file.size
                self.done = finished  # also right for a file that was there and so was not counted
        except Exception as error:  # raised again in the thread that waits
            self.error = error

    def _count(self, more: int) -> None:
        self.done += more
