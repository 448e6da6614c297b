"""ZIP files over the JSON API: ask, wait, fetch. They are their owner's only."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from ninja.errors import ValidationError
from pydantic import Field
from typing_extensions import TypedDict

from gallery import archives
from gallery.models import Album, Archive
from gallery.schemas import MOST_IDS
from gallery.serving import send

router = Router(tags=["archives"])


class ArchiveJSON(TypedDict):
    """`state` is `waiting`, `packing`, `ready` or `failed`; `file` is there once it is ready."""

    id: str
    state: str
    title: str
    count: int
    bytes: int
    filename: str
    created_at: str
    expires_at: str
    file: str | None


class ArchiveList(TypedDict):
    items: list[ArchiveJSON]


class ArchiveWish(Schema):
    """Either pictures or an album."""

    ids: list[UUID] | None = Field(None, max_length=10 * MOST_IDS)  # too many for a ZIP are refused in words
    album: UUID | None = None


def as_json(archive: Archive) -> ArchiveJSON:
    is_ready = archive.state == Archive.State.READY
    return {
        "id": str(archive.pk),
        "state": archive.state,
        "title": archive.title,
        "count": archive.number,
        "bytes": archive.bytes,
        "filename": archive.filename,
        "created_at": archive.created_at.isoformat(),
        "expires_at": archive.expires_at.isoformat(),
        "file": reverse("api:archive_file", args=[archive.pk]) if is_ready else None,
    }


@router.get("archives", response=ArchiveList, url_name="archives")
def list_archives(request: HttpRequest) -> ArchiveList:
    """One's own ZIP files of the last day, the newest first."""
    return {"items": [as_json(archive) for archive in Archive.objects.visible_to(request.user)]}


@router.post("archives", response={202: ArchiveJSON})
def ask_for_archive(request: HttpRequest, wish: ArchiveWish) -> Status[ArchiveJSON]:
    """Have pictures packed in the background. The WebSocket tells when it is done: `{"type": "archive", …}`."""
    if (wish.ids is None) == (wish.album is None):
        message = _("Name the pictures in “ids”, or an album in “album”.")
        raise ValidationError([{"loc": ("body", "wish", "ids"), "msg": message}])
    album = get_object_or_404(Album.objects.visible_to(request.user), pk=wish.album) if wish.album else None
    return Status(202, as_json(archives.ask(user=request.user, ids=wish.ids or (), album=album)))


@router.get("archives/{id}", response=ArchiveJSON, url_name="archive")
def get_archive(request: HttpRequest, id: UUID) -> ArchiveJSON:
    return as_json(get_object_or_404(Archive.objects.visible_to(request.user), pk=id))


@router.delete("archives/{id}", response={204: None})
def delete_archive(request: HttpRequest, id: UUID) -> Status[None]:
    """Its pictures stay."""
    get_object_or_404(Archive.objects.visible_to(request.user), pk=id).delete()
    return Status(204, None)


@router.api_operation(["HEAD"], "archives/{id}/file", include_in_schema=False)
@router.get("archives/{id}/file", url_name="archive_file")
def archive_file(request: HttpRequest, id: UUID) -> HttpResponseBase:
    archive = get_object_or_404(Archive.objects.visible_to(request.user), pk=id)
    if archive.state != Archive.State.READY:
        raise Http404
    return send(request, archive.file, content_type="application/zip", filename=archive.filename, download=True)
