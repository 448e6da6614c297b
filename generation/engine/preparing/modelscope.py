"""Models on ModelScope, through its own client, which is installed only by those who want it.

That client goes on with half-fetched files and compares checksums by itself. `MODELSCOPE_ENDPOINT` and
`MODELSCOPE_API_TOKEN` are its variables.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from generation.engine.exceptions import EngineError, ModelBroken, ModelNotFound
from generation.engine.preparing.repository import Fetched, OnBytes, RepositoryFile

_KIND = "model"


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
        logging.getLogger("modelscope_hub").setLevel(logging.ERROR)
        self.id = model
        self._client: Any = modelscope_hub.HubApi()
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
        return []  # the client fetches whole files only

    def fetch(self, file: RepositoryFile, folder: Path, on_bytes: OnBytes) -> Fetched:
        class Counting(self._callback):  # type: ignore[name-defined]  # the client makes one for each file
            def update(self, size: int) -> None:
                on_bytes(size)

        # The client's own bars, one for each file, would be drawn into the command's.
        with self._explained(), redirect_stderr(StringIO()):
            path = self._client.downloader.download_file(
                self.id,
                _KIND,
                file.path,
                local_dir=folder,
                file_size=file.size,
                expected_sha256=file.sha256 or None,
                progress_callbacks=[Counting],
            )
        return Fetched(Path(path), is_ours=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        kinds = self._errors
        try:
            yield
        except kinds.NotExistError as error:
            raise ModelNotFound(f"There is no model {self.id} on ModelScope; correct the name.") from error
        except (kinds.AuthenticationError, kinds.PermissionDeniedError) as error:
            raise ModelNotFound(
                f"ModelScope does not give {self.id} to this account; set MODELSCOPE_API_TOKEN to a token that may "
                "read it and run the same command again."
            ) from error
        except kinds.FileIntegrityError as error:
            raise ModelBroken(
                f"A file of {self.id} came damaged from ModelScope; run the same command again to fetch it anew."
            ) from error
        except (kinds.HubError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of this machine's own disk
            raise ModelNotFound(
                f"ModelScope cannot be reached or refuses to answer ({type(error).__name__}); check the network, then "
                "run the same command again and it goes on where it stopped."
            ) from error


def _fingerprint(files: list[RepositoryFile]) -> str:
    listed = "\n".join(f"{file.path} {file.size} {file.sha256}" for file in sorted(files, key=lambda one: one.path))
    return hashlib.sha256(listed.encode()).hexdigest()[:12]
