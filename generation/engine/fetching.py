"""From the hub into huggingface_hub's own cache, for a worker whose model was not prepared; says how far it is.

Diffusers would fetch the files too, but tells nobody: for half an hour the site would say 15 %.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import httpx2
import huggingface_hub

from generation.engine.exceptions import EngineError
from generation.engine.model_folder import INDEX_FILE
from generation.engine.preparing.huggingface import HuggingFaceRepository, explained, meter
from generation.engine.preparing.repository import RepositoryFile, gigabytes, needed_files
from generation.engine.sources import Source

logger = logging.getLogger(__name__)

_TELL_SECONDS = 0.5


def fetch_missing(source: Source, cache_dir: Path | None, tell: Callable[[float, str], None]) -> None:
    """Download what the model of `source` lacks, telling the share that is there, once for each percent.

    Where that fails nothing is lost: the cache may hold the model, and if not, loading it says what is wrong.
    """
    last = -1

    def count(done: int, total: int) -> None:
        nonlocal last
        percent = 100 * done // max(total, 1)
        if percent > last:
            last = percent
            tell(percent / 100, f"Downloading {source.name}: {gigabytes(done)} of {gigabytes(total)}")

    try:
        download(source.name, cache_dir, count, with_transformer=source.transformer is None)
    except (EngineError, OSError) as error:
        logger.info("%s was not downloaded ahead: %s", source.name, error)


def download(
    model: str, cache_dir: Path | None, tell: Callable[[int, int], None], *, with_transformer: bool = True
) -> None:
    """Bring what the pipeline of `model` needs into the cache; `tell` learns the bytes that are there, and of how many.

    It is told about twice a second and in the caller's thread: huggingface_hub counts in threads of its own, where a
    caller's database connection would be out of place. Raises EngineError with one sentence, or OSError.
    """
    repository = HuggingFaceRepository(model)
    with explained(model):
        index = huggingface_hub.hf_hub_download(
            model, INDEX_FILE, revision=repository.revision, cache_dir=cache_dir, tqdm_class=meter(lambda _more: None)
        )
        described = json.loads(Path(index).read_text(encoding="utf-8"))
    wanted = needed_files(repository.files, described, model)
    if not with_transformer:
        wanted = [file for file in wanted if not (file.is_weights and file.path.startswith("transformer/"))]
    fetching = _Fetching(repository, wanted, cache_dir)
    fetching.start()
    while fetching.is_alive():
        fetching.join(_TELL_SECONDS)
        tell(min(fetching.done, fetching.total), fetching.total)
    if fetching.error:
        with explained(model):
            raise fetching.error


class _Fetching(threading.Thread):
    """Fetches files into the cache and counts their bytes. A daemon: a process that is told to end need not wait."""

    def __init__(self, repository: HuggingFaceRepository, files: list[RepositoryFile], cache_dir: Path | None) -> None:
        super().__init__(name="hub", daemon=True)
        self.total, self.done = sum(file.size for file in files), 0
        self.error: Exception | None = None
        self._repository, self._files, self._cache_dir = repository, files, cache_dir

    def run(self) -> None:
        finished = 0
        try:
            for file in self._files:
                huggingface_hub.hf_hub_download(
                    self._repository.id,
                    file.path,
                    revision=self._repository.revision,
                    cache_dir=self._cache_dir,
                    tqdm_class=meter(self._count),
                )
                finished += file.size
                self.done = finished  # also right for a file that was there and so was not counted
        except (OSError, httpx2.HTTPError, ValueError) as error:
            self.error = error

    def _count(self, more: int) -> None:
        self.done += more
