"""Albums over the JSON API: one's own; other people's are not found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from ninja.errors import ValidationError
from pydantic import Field
from typing_extensions import TypedDict

from gallery import albums
from gallery.models import Album
from gallery.schemas import MOST_IDS, Deleted

router = Router(tags=["albums"])


class AlbumJSON(TypedDict):
    """`count` is of the pictures that are not in the bin; `cover` is the chosen one, else the newest of them."""

    id: str
    name: str
    count: int
    cover: str | None
    thumbnail: str | None
    created_at: str
    url: str


class AlbumList(TypedDict):
    items: list[AlbumJSON]


class Added(TypedDict):
    added: list[str]
    count: int


class Removed(TypedDict):
    removed: list[str]
    count: int


class NewAlbum(Schema):
    name: str = Field(max_length=1_000)  # `albums` knows the limit, and says it in words
    ids: list[UUID] = Field([], max_length=MOST_IDS)


class AlbumChange(Schema):
    """What is left out stays. A `cover` of null: always the newest picture."""

    name: str | None = Field(None, max_length=1_000)
    cover: UUID | None = None


class AlbumImages(Schema):
    ids: list[UUID] = Field(max_length=MOST_IDS)


def _refusal(argument: str, field: str, error: Exception, limit: int | None = None) -> ValidationError:
    context = {} if limit is None else {"le": limit}
    return ValidationError([{"loc": ("body", argument, field), "msg": str(error), "ctx": context}])


def _own(request: HttpRequest, pk: UUID) -> Album:
    return get_object_or_404(Album.objects.visible_to(request.user), pk=pk)


def as_json(pk: UUID) -> AlbumJSON:
    return _as_json(Album.objects.summed_up().get(pk=pk))


def _as_json(album: Any) -> AlbumJSON:
    """An album that was `summed_up`: what that adds, the class does not declare."""
    return {
        "id": str(album.pk),
        "name": album.name,
        "count": album.number,
        "cover": str(album.shown_cover) if album.shown_cover else None,
        "thumbnail": album.cover_url,
        "created_at": album.created_at.isoformat(),
        "url": album.get_absolute_url(),
    }


@router.get("albums", response=AlbumList, url_name="albums")
def list_albums(request: HttpRequest, image: UUID | None = None) -> AlbumList:
    """One's own albums, the oldest first; with `image`, those that hold it."""
    found = Album.objects.visible_to(request.user)
    if image is not None:
        found = found.filter(pk__in=Album.objects.filter(entries__image=image))
    return {"items": [_as_json(album) for album in found.summed_up()]}


@router.post("albums", response={201: AlbumJSON})
def create_album(request: HttpRequest, album: NewAlbum) -> Status[AlbumJSON]:
    """An album, at once with pictures in it if `ids` names some."""
    try:
        made = albums.create(user=request.user, name=album.name)
    except albums.NameRefused as refusal:
        raise _refusal("album", "name", refusal, refusal.limit) from None
    albums.add(made, album.ids)
    return Status(201, as_json(made.pk))


@router.get("albums/{id}", response=AlbumJSON, url_name="album")
def get_album(request: HttpRequest, id: UUID) -> AlbumJSON:
    return as_json(_own(request, id).pk)


@router.patch("albums/{id}", response=AlbumJSON)
def change_album(request: HttpRequest, id: UUID, change: AlbumChange) -> AlbumJSON:
    """Rename it, or choose the picture that stands for it, which must be in it."""
    album = _own(request, id)
    given = change.model_fields_set
    cover = album.images.kept().filter(pk=change.cover).first() if change.cover else None
    if change.cover and cover is None:
        raise _refusal("change", "cover", ValueError(_("Choose a picture of this album.")))
    if change.name is not None:
        try:
            albums.rename(album, change.name)
        except albums.NameRefused as refusal:
            raise _refusal("change", "name", refusal, refusal.limit) from None
    if "cover" in given:
        albums.set_cover(album, cover)
    return as_json(album.pk)


@router.delete("albums/{id}", response=Deleted)
def delete_album(request: HttpRequest, id: UUID, pictures: bool = False) -> Deleted:
    """Delete the album; with `pictures=true` what it holds goes to the bin. Answers which pictures moved."""
    moved = albums.delete(_own(request, id), user=request.user, with_pictures=pictures)
    return {"deleted": [str(pk) for pk in moved], "count": len(moved)}


@router.post("albums/{id}/images", response=Added, url_name="album_images")
def add_images(request: HttpRequest, id: UUID, choice: AlbumImages) -> Added:
    """Put images into the album. Answers which ones are new in it."""
    added = albums.add(_own(request, id), choice.ids)
    return {"added": [str(pk) for pk in added], "count": len(added)}


@router.post("albums/{id}/images/remove", response=Removed, url_name="album_images_remove")
def remove_images(request: HttpRequest, id: UUID, choice: AlbumImages) -> Removed:
    """Take images out of the album. Answers which ones were in it."""
    removed = albums.remove(_own(request, id), choice.ids)
    return {"removed": [str(pk) for pk in removed], "count": len(removed)}
