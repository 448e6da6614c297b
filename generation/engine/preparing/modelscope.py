"""Models on ModelScope, or on another site that `MODELSCOPE_ENDPOINT` names, through its own client.

That client, installed only by those who want it, compares checksums and keeps half a file for the next call, but gives
up after so many broken lines or an hour for one file, whatever has come. `MODELSCOPE_API_TOKEN` is its variable too.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import math
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from generation.engine.exceptions import EngineError, ModelBroken, ModelNotFound
from generation.engine.preparing.repository import Fetched, OnBytes, RepositoryFile

_KIND = "model"
_AGAIN = "run the same command again and it goes on where it stopped"
_TOKEN = "set MODELSCOPE_API_TOKEN to a token that may read it"  # noqa: S105  # a name, not a secret
_BEGINNING = 100_001  # bytes; nearly every header is shorter
_LONGEST_HEADER = 100_000_000  # of safetensors
_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


class ModelScopeRepository:
    """A model on ModelScope. Its revision is a hash over its files: the listing names no commit."""

    source = "modelscope"

    def __init__(self, model: str) -> None:
        try:
            import modelscope_hub
        except ImportError as error:
            raise EngineError(
                "--source modelscope needs the package modelscope-hub; install it with `.venv/bin/pip install "
                "modelscope-hub` and run the same command again."
            ) from error
        # It warns of every retry; what fails in the end is said in a sentence.
        logging.getLogger("modelscope_hub").setLevel(logging.ERROR)
        self.id = model
        config = modelscope_hub.HubConfig()
        self._hub = str(config.endpoint)
        self._client: Any = modelscope_hub.HubApi(config)
        self._callback: type[Any] = modelscope_hub.ProgressCallback
        self._errors = modelscope_hub.errors
        with self._explained():
            listed = self._client.list_repo_files(model, _KIND)
            self.licence = str(self._client.get_repo(model, _KIND).license or "unknown")
        self.files = [
            RepositoryFile(one.path, one.size, sha256=one.sha256 or "") for one in listed if one.type != "tree"
        ]
        self.revision = _fingerprint(self.files)

    def tensors(self, file: RepositoryFile) -> list[tuple[str, int]]:
        with self._explained(file):
            begin = self._beginning(file, _BEGINNING)
            end = 8 + int.from_bytes(begin[:8], "little")
            if len(begin) < end <= min(file.size, _LONGEST_HEADER):
                begin = self._beginning(file, end)
        try:
            header = json.loads(begin[8:end])
            header.pop("__metadata__", None)
            return [(one["dtype"], math.prod(one["shape"])) for one in header.values()]
        except (ValueError, KeyError, TypeError, AttributeError):
            return []

    def fetch(self, file: RepositoryFile, folder: Path, on_bytes: OnBytes) -> Fetched:
        there = before = 0

        def count(more: int) -> None:
            nonlocal there
            there += more
            on_bytes(more)

        class Counting(self._callback):  # type: ignore[name-defined]  # made anew whenever the file is begun with again
            def __init__(self, name: str, size: int) -> None:
                super().__init__(name, size)
                count(-there)

            def update(self, size: int) -> None:
                count(size)

        with self._explained(file):
            while True:
                try:
                    return Fetched(self._download(file, folder, Counting), is_ours=True)
                except self._errors.NetworkError as error:  # taken up again while anything comes
                    if there <= before or _disk_error(error):
                        raise
                    before = there

    def _download(self, file: RepositoryFile, folder: Path, callback: type[Any]) -> Path:
        # The client's own bars, one for each file, would be drawn into the command's.
        with redirect_stderr(StringIO()):
            path = self._client.downloader.download_file(
                self.id,
                _KIND,
                file.path,
                cache_dir=folder,  # for its locks: a service may have no home to write to
                local_dir=folder,
                file_size=file.size,
                expected_sha256=file.sha256 or None,
                progress_callbacks=[callback],
            )
        return Path(path)

    def _beginning(self, file: RepositoryFile, size: int) -> bytes:
        """Its first bytes, fewer if it is shorter; of a server that knows no ranges no more is taken either."""
        headers = {"Range": f"bytes=0-{size - 1}", "Accept-Encoding": "identity"}
        begin = b""
        with closing(self._client.legacy.download_stream(self.id, _KIND, file.path, headers=headers)) as answer:
            for chunk in answer.iter_content(1 << 16):
                begin += chunk
                if len(begin) >= size:
                    break
        return begin[:size]

    @contextmanager
    def _explained(self, file: RepositoryFile | None = None) -> Iterator[None]:
        """Whatever goes wrong on the way there, as one sentence. An OSError of this machine's own disk passes."""
        kinds = self._errors
        try:
            yield
        except kinds.FileIntegrityError as error:
            raise self._damaged(error, file) from error
        except kinds.APIError as error:
            raise self._refused(error, file) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelNotFound(
                f"{self._hub} does not answer like ModelScope; check MODELSCOPE_ENDPOINT and the network."
            ) from error
        except (kinds.HubError, OSError) as error:
            if disk := _disk_error(error):
                raise disk from None
            raise ModelNotFound(
                f"{self._hub} cannot be reached ({_reason(error)}); check the network, then {_AGAIN}."
            ) from error

    def _damaged(self, error: Exception, file: RepositoryFile | None) -> ModelBroken:
        name = file.path if file else "A file"
        if isinstance(error, self._errors.FileSizeMismatchError):
            return ModelBroken(f"{name} of {self.id} did not come whole; {_AGAIN}.")
        return ModelBroken(
            f"{name} of {self.id} came damaged and was thrown away; run the same command again to fetch it anew, the "
            "rest stays."
        )

    def _refused(self, error: Any, file: RepositoryFile | None) -> EngineError:
        kinds, hub = self._errors, self._hub
        if isinstance(error, kinds.NotExistError) and file:
            return ModelBroken(f"{hub} lists {file.path} of {self.id} but does not have it; {_AGAIN}.")
        if isinstance(error, kinds.NotExistError):
            return ModelNotFound(
                f"There is no model {self.id} at {hub}, or it is private; correct the name, or {_TOKEN}."
            )
        if isinstance(error, (kinds.AuthenticationError, kinds.PermissionDeniedError)):
            return ModelNotFound(
                f"{hub} does not give {self.id} to this account; {_TOKEN} and run the same command again."
            )
        said = error.status_code or "with an error"
        return ModelNotFound(f"{hub} answered {said} when asked for {self.id}; wait a while, then {_AGAIN}.")


def _disk_error(error: BaseException) -> OSError | None:
    """What this machine's own disk said; the client wraps that like a failure of the network."""
    own = (one for one in _chain(error) if isinstance(one, OSError) and (one.filename or one.errno in _OF_A_DISK))
    return next(own, None)


def _reason(error: BaseException) -> str:
    said = [one.strerror for one in _chain(error) if isinstance(one, OSError) and one.strerror]
    return said[-1] if said else type(error).__name__.strip("_")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _fingerprint(files: list[RepositoryFile]) -> str:
    listed = "\n".join(f"{file.path} {file.size} {file.sha256}" for file in sorted(files, key=lambda one: one.path))
    return hashlib.sha256(listed.encode()).hexdigest()[:12]
