"""Sending a stored file, for whoever may see it: the caller has checked that."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.encoding import iri_to_uri
from django.utils.http import content_disposition_header

if TYPE_CHECKING:
    from django.core.files.storage import Storage
    from django.db.models.fields.files import FieldFile

logger = logging.getLogger(__name__)

PIECE = 256 * 1024  # bytes read at once


def send(
    request: HttpRequest, stored: FieldFile, *, content_type: str, filename: str, download: bool = False
) -> HttpResponseBase:
    """The file with headers for a content that never changes. Raises Http404 where it is not on the disk."""
    name = stored.name or ""
    try:
        size = stored.size if name else None
    except FileNotFoundError:
        size = None
    if size is None:
        logger.warning("%s is missing", name or f"A file of image {stored.instance.pk}")
        raise Http404

    # A file is written once under a name of its own, so its name says everything about its content.
    etag = f'"{name.rpartition("/")[2]}"'
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = _body(request, stored.storage, name)
        response["Content-Type"] = content_type
        response["Content-Disposition"] = content_disposition_header(download, filename) or "inline"
        if "X-Accel-Redirect" not in response:
            response["Content-Length"] = str(size)
    response["ETag"] = etag
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _body(request: HttpRequest, storage: Storage, name: str) -> HttpResponseBase:
    if settings.X_ACCEL_PREFIX:
        return HttpResponse(headers={"X-Accel-Redirect": iri_to_uri(f"{settings.X_ACCEL_PREFIX.rstrip('/')}/{name}")})
    if request.method == "HEAD":
        return HttpResponse()
    # Under ASGI Django collects a whole synchronous body before it sends the first byte (Django #33735).
    return StreamingHttpResponse(_pieces_async(storage, name) if hasattr(request, "scope") else _pieces(storage, name))


def _pieces(storage: Storage, name: str) -> Iterator[bytes]:
    with storage.open(name) as file:
        yield from file.chunks(PIECE)


async def _pieces_async(storage: Storage, name: str) -> AsyncIterator[bytes]:
    file = await sync_to_async(storage.open, thread_sensitive=False)(name)
    read = sync_to_async(file.read, thread_sensitive=False)
    try:
        while piece := await read(PIECE):
            yield piece
    finally:
        file.close()
