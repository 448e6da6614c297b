"""Models on the Hugging Face hub, or on a mirror of it that `HF_ENDPOINT` names.

Owns every request to the hub and what its answers mean. huggingface_hub throws a half-fetched file away when a process
ends, which with files of 10 GB costs hours on a slow line; so the bytes are fetched here, through its session.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
from huggingface_hub import HfApi, constants, get_session, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    SafetensorsParsingError,
)
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]  # loaded lazily

from generation.engine.exceptions import EngineError, HubUnreachable, ModelBroken, ModelNotFound
from generation.engine.preparing.repository import Fetched, OnBytes, RepositoryFile

AGAIN = "run the same command again and it goes on where it stopped"
_ATTEMPTS = 3


class HuggingFaceRepository:
    """A model on the hub at its newest revision."""

    source = "huggingface"

    def __init__(self, model: str) -> None:
        # It warns of every retry; what fails in the end is said in a sentence.
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        self.id = model
        with explained(model):
            info = HfApi().model_info(model, files_metadata=True)
        self.revision = info.sha or "main"
        self.licence = str(info.card_data.license or "unknown") if info.card_data else "unknown"
        self.files: Sequence[RepositoryFile] = [
            RepositoryFile(one.rfilename, one.lfs.size, sha256=one.lfs.sha256)
            if one.lfs
            else RepositoryFile(one.rfilename, one.size or 0, git_id=one.blob_id or "")
            for one in info.siblings or []
        ]

    def tensors(self, file: RepositoryFile) -> list[tuple[str, int]]:
        with explained(self.id):
            try:
                found = HfApi().parse_safetensors_file_metadata(self.id, file.path, revision=self.revision)
            except SafetensorsParsingError:
                return []
        return [(tensor.dtype, tensor.parameter_count) for tensor in found.tensors.values()]

    def fetch(self, file: RepositoryFile, folder: Path, on_bytes: OnBytes) -> Fetched:
        cached = huggingface_hub.try_to_load_from_cache(self.id, file.path, revision=self.revision)
        if isinstance(cached, str) and file.matches(Path(cached)):
            on_bytes(file.size)
            return Fetched(Path(cached), is_ours=False)
        part = folder / file.path
        part.parent.mkdir(parents=True, exist_ok=True)
        if part.exists():
            on_bytes(part.stat().st_size)
        with explained(self.id):
            self._complete(file, part, on_bytes)
        return Fetched(part, is_ours=True)

    def _complete(self, file: RepositoryFile, part: Path, on_bytes: OnBytes) -> None:
        """Fetch what is missing at the end of `part`. A line that breaks is taken up again while anything comes."""
        failures = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            if before == file.size > 0:
                return
            if before > file.size:
                part.unlink()
                on_bytes(-before)
                before = 0
            try:
                self._append(file, part, before, on_bytes)
                break
            except httpx2.TransportError:
                failures = failures + 1 if part.stat().st_size == before else 0
                if failures == _ATTEMPTS:
                    raise
        if part.stat().st_size != file.size:
            raise ModelBroken(f"{file.path} of {self.id} did not come whole; {AGAIN}.")

    def _append(self, file: RepositoryFile, part: Path, before: int, on_bytes: OnBytes) -> None:
        headers = build_hf_headers() | {"Accept-Encoding": "identity"}  # what is counted is the file itself
        if before:
            headers["Range"] = f"bytes={before}-"
        url = hf_hub_url(self.id, file.path, revision=self.revision)
        seconds = constants.HF_HUB_DOWNLOAD_TIMEOUT
        with part.open("ab") as out, get_session().stream("GET", url, headers=headers, timeout=seconds) as answer:
            if answer.is_error:
                answer.read()
            hf_raise_for_status(answer)
            if before and answer.status_code != HTTPStatus.PARTIAL_CONTENT:  # it sends all of it again
                out.truncate(0)
                on_bytes(-before)
            for chunk in answer.iter_bytes():
                out.write(chunk)
                on_bytes(len(chunk))


@contextmanager
def explained(model: str) -> Iterator[None]:
    """Whatever goes wrong on the way to the hub, as one sentence. An OSError of this machine's own disk passes."""
    hub = constants.ENDPOINT
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise EngineError(f"HF_HUB_OFFLINE forbids to ask the hub for {model}; unset it and run again.") from error
    except GatedRepoError as error:
        raise ModelNotFound(
            f"{model} is gated: accept its terms at {hub}/{model}, set HF_TOKEN to a token of that account and run "
            "the same command again."
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"There is no model {model} at {hub}, or it is private; correct the name, or set HF_TOKEN to a token "
            "that may read it."
        ) from error
    except HfHubHTTPError as error:
        raise _answered(model, hub, error.response.status_code) from error
    except (httpx2.HTTPError, LocalEntryNotFoundError) as error:
        raise HubUnreachable(f"{hub} cannot be reached ({_reason(error)}); check the network, then {AGAIN}.") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise HubUnreachable(f"A file of {model} did not come whole; {AGAIN}.") from error
    except RuntimeError as error:  # of the hub's own transport, Xet, which knows no other
        if f"os error {errno.ENOSPC}" in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise HubUnreachable(f"{hub} does not give {model} ({_reason(error)}); wait a while, then {AGAIN}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HubUnreachable(f"{hub} does not answer like a model hub; check HF_ENDPOINT and the network.") from error


def _answered(model: str, hub: str, status: int) -> EngineError:
    if status in (401, 403):
        return ModelNotFound(
            f"{hub} does not give {model} to this account; set HF_TOKEN to a token that may read it and run again."
        )
    if status == 404:
        return ModelNotFound(f"{hub} has no such model or file in {model}; check the name and run again.")
    return HubUnreachable(f"{hub} answered {status} when asked for {model}; wait a while, then {AGAIN}.")


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def meter(on_bytes: OnBytes) -> Any:
    """A class with as much of a tqdm bar as the hub's library calls, which passes on what is counted."""

    class Meter:
        def __init__(self, *_words: Any, total: int | None = None, initial: int = 0, **_more: Any) -> None:
            self.total, self.n, self.format_dict = total, initial, {"rate": None}

        def __enter__(self) -> Meter:
            return self

        def __exit__(self, *_error: object) -> None: ...

        def update(self, more: float | None = 1) -> None:
            on_bytes(int(more or 0))

        # Xet counts twice: bytes that come from the network, and bytes that are written. The second alone are ours.
        def update_transfer(self, _more: float | None = 1) -> None: ...
        def set_postfix_str(self, *_words: Any, **_more: Any) -> None: ...
        def set_transfer_postfix_str(self, *_words: Any, **_more: Any) -> None: ...
        def set_description_str(self, *_words: Any, **_more: Any) -> None: ...
        def refresh(self, *_words: Any, **_more: Any) -> None: ...
        def close(self) -> None: ...

    return Meter
