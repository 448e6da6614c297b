"""Images over the JSON API. Who is asking is settled before: `request.user` is the person, by session or token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router, Status
from ninja.errors import ValidationError

from gallery import feed, services
from gallery.models import THUMBNAIL_SIDES, Album, Image
from gallery.schemas import (
    Deleted,
    DeletionChoice,
    ImageChange,
    ImageChoice,
    ImageJSON,
    ImageMarks,
    ImagePage,
    ImagesShown,
    Marked,
    Restored,
    Whereabouts,
    as_json,
)
from gallery.serving import send

router = Router(tags=["images"])


def _refusal(where: str, field: str, message: str) -> ValidationError:
    return ValidationError([{"loc": (where, field), "msg": message}])


def _hold_to_one(choice: ImageChoice) -> None:
    """Named ones or all: never both, never neither."""
    if choice.all == (choice.ids is not None):
        raise _refusal("body", "ids", _("Name the pictures in “ids”, or set “all” to true."))


@router.get("images", response=ImagePage, url_name="images")
def list_images(
    request: HttpRequest,
    cursor: str = "",
    q: Annotated[str, Query(max_length=feed.LONGEST_SEARCH)] = "",
    favourite: bool = False,
    album: UUID | None = None,
    bin: bool = False,
    sort: Literal["newest", "oldest"] = "newest",
    limit: Annotated[int, Query(ge=1, le=100)] = 40,
) -> ImagePage:
    """One's own images by `sort`; `bin` lists those in the bin, by when they were deleted."""
    try:
        after = feed.Place.from_cursor(cursor) if cursor else None
    except ValueError:
        raise _refusal("query", "cursor", _("Take the cursor from “next” of the page before.")) from None
    within = get_object_or_404(Album.objects.visible_to(request.user), pk=album) if album else None
    images = feed.search(Image.objects.visible_to(request.user), text=q, favourite=favourite, album=within)
    found = feed.Feed(images, in_bin=bin, oldest_first=sort == "oldest")
    page = found.page(after, limit)
    return {
        "items": [as_json(image) for image in page.images],
        "next": page.next or None,
        "total": found.images.count(),
    }


@router.post("images/delete", response=Deleted, url_name="images_delete")
def delete_images(request: HttpRequest, choice: DeletionChoice) -> Deleted:
    """Move images to the bin: those named, or all, if they still are `expected` many. Answers which ones moved."""
    _hold_to_one(choice)
    if choice.expected is not None and not choice.all:
        raise _refusal("body", "expected", _("“expected” goes with “all” only."))
    moved = services.move_to_bin(
        user=request.user, ids=choice.ids or (), everything=choice.all, expected=choice.expected
    )
    return {"deleted": [str(pk) for pk in moved], "count": len(moved)}


@router.post("images/restore", response=Restored, url_name="images_restore")
def restore_images(request: HttpRequest, choice: ImageChoice) -> Restored:
    """Take images out of the bin: those named, or all. Answers which ones came out."""
    _hold_to_one(choice)
    restored = services.restore(user=request.user, ids=choice.ids or (), everything=choice.all)
    return {"restored": [str(pk) for pk in restored], "count": len(restored)}


@router.post("images/favourite", response=Marked, url_name="images_favourite")
def mark_images(request: HttpRequest, marks: ImageMarks) -> Marked:
    """Mark images as favourites, or unmark them. Answers which ones changed."""
    marked = services.set_favourite(user=request.user, ids=marks.ids, favourite=marks.favourite)
    return {"marked": [str(pk) for pk in marked], "count": len(marked)}


@router.post("images/whereabouts", response=Whereabouts, url_name="images_whereabouts")
def whereabouts(request: HttpRequest, shown: ImagesShown) -> Whereabouts:
    """What has become of images that a page shows, and how many there are now; it changes nothing.

    It is asked in whatever state the page is in: what is not there, or somebody else's, is gone and no error.
    """
    asker = request.user
    assert isinstance(asker, User)  # noqa: S101  the API's authentication has made sure
    mine = Image.objects.visible_to(asker).filter(pk__in=shown.ids)
    found = mine.kept()
    if shown.album:
        found = found.filter(entries__album__in=Album.objects.visible_to(asker).filter(pk=shown.album))
    kept = dict(found.values_list("pk", "favourite"))
    totals = feed.totals(asker.pk)
    albums: Iterable[Any] = Album.objects.visible_to(asker).summed_up()  # what that adds, the class does not declare
    return {
        "kept": [str(pk) for pk in kept],
        "in_bin": [str(pk) for pk in mine.in_bin().values_list("pk", flat=True)],
        "favourites": [str(pk) for pk, favourite in kept.items() if favourite],
        "totals": {
            "kept": totals.kept,
            "favourites": totals.favourites,
            "in_bin": totals.in_bin,
            "archives": totals.archives,
            "albums": {str(each.pk): each.number for each in albums},
        },
    }


@router.get("images/{id}", response=ImageJSON, url_name="image")
def get_image(request: HttpRequest, id: UUID) -> ImageJSON:
    return as_json(get_object_or_404(Image.objects.visible_to(request.user), pk=id))


@router.patch("images/{id}", response=ImageJSON)
def change_image(request: HttpRequest, id: UUID, change: ImageChange) -> ImageJSON:
    image = get_object_or_404(Image.objects.visible_to(request.user), pk=id)
    services.set_favourite(user=request.user, ids=[image.pk], favourite=change.favourite)
    image.favourite = change.favourite
    return as_json(image)


@router.delete("images/{id}", response={204: None})
def delete_image(request: HttpRequest, id: UUID) -> Status[None]:
    """Move one image to the bin; where it is already, nothing changes."""
    image = get_object_or_404(Image.objects.visible_to(request.user), pk=id)
    services.move_to_bin(user=request.user, ids=[image.pk])
    return Status(204, None)


@router.api_operation(["HEAD"], "images/{id}/file", include_in_schema=False)
@router.get("images/{id}/file", url_name="image_file")
def image_file(request: HttpRequest, id: UUID, download: bool = False) -> HttpResponseBase:
    """The original PNG, with its parameters written into it; `download=1` gives it a name to save it under."""
    image = get_object_or_404(Image.objects.served_to(request.user), pk=id)
    return send(request, image.file, content_type="image/png", filename=image.filename, download=download)


@router.api_operation(["HEAD"], "images/{id}/thumbnail", include_in_schema=False)
@router.get("images/{id}/thumbnail", url_name="image_thumbnail")
def image_thumbnail(request: HttpRequest, id: UUID, size: int = 512) -> HttpResponseBase:
    """A WebP of at most `size` pixels on its longest side: 256, 512 or 1024."""
    if size not in THUMBNAIL_SIDES:
        raise _refusal("query", "size", _("Choose 256, 512 or 1024."))
    image = get_object_or_404(Image.objects.served_to(request.user), pk=id)
    filename = f"{image.filename.removesuffix('.png')}_{size}.webp"
    return send(request, image.thumbnails[size], content_type="image/webp", filename=filename)
