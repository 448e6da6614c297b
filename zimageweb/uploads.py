"""How large an upload may be. Django bounds forms and JSON by itself, files not at all."""

from __future__ import annotations

from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

from gallery.metadata.texts import LARGEST_FILE

_AROUND = 100_000  # bytes of the form around the file


class UploadTooBig(RequestDataTooBig):
    """`limit` is what one file may have, in bytes."""

    limit = LARGEST_FILE


class BoundedUpload(FileUploadHandler):
    """Goes before the handlers that keep files. What comes may be longer than its Content-Length, so it is counted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._received = 0

    def handle_raw_input(
        self, input_data: IO[bytes], META: dict[str, str], content_length: int, boundary: str, encoding: Any = None
    ) -> None:
        if content_length > LARGEST_FILE + _AROUND:
            raise UploadTooBig

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._received += len(raw_data)
        if self._received > LARGEST_FILE:
            raise UploadTooBig
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
