"""What the JSON API takes and gives for images."""

from __future__ import annotations

from uuid import UUID

from ninja import Schema
from pydantic import Field
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from gallery.models import Image

MOST_IDS = 1000


class ImageJSON(TypedDict):
    """One image in answers and events. Times are ISO 8601 in UTC; addresses have no host."""

    id: str
    prompt: str
    style: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    model: str
    seconds: float | None
    bytes: int
    filename: str
    favourite: bool
    created_at: str
    deleted_at: str | None
    expires_at: str | None
    url: str
    file: str
    thumbnail: str
    thumbnails: dict[str, str]
    prompt_cut: dict[str, int] | None  # the model read only the first `read` tokens of `of`


class ImagePage(TypedDict):
    items: list[ImageJSON]
    next: str | None
    total: int


class Deleted(TypedDict):
    deleted: list[str]
    count: int


class Restored(TypedDict):
    restored: list[str]
    count: int


class Marked(TypedDict):
    marked: list[str]
    count: int


class ImageTotals(TypedDict):
    """How many images a person has; `albums` by the id of the album, those in the bin not counted."""

    kept: int
    favourites: int
    in_bin: int
    archives: int
    albums: dict[str, int]


class Whereabouts(TypedDict):
    """Where the images asked about are; those that are gone for good are in neither list."""

    kept: list[str]
    in_bin: list[str]
    favourites: list[str]
    totals: ImageTotals


class ImageChange(Schema):
    favourite: bool


class ImageChoice(Schema):
    ids: list[UUID] | None = Field(None, max_length=MOST_IDS)
    all: bool = False


class DeletionChoice(ImageChoice):
    """`expected`, with `all`: how many pictures the person agreed to delete."""

    expected: int | None = Field(None, ge=0)


class ImageMarks(Schema):
    ids: list[UUID] = Field(max_length=MOST_IDS)
    favourite: bool


class ImagesShown(Schema):
    """What a page shows; with `album`, only images in that are `kept`."""

    ids: list[UUID] = Field([], max_length=MOST_IDS)
    album: UUID | None = None


def as_json(image: Image) -> ImageJSON:
    expires_at = image.expires_at
    return {
        "id": str(image.pk),
        "prompt": image.prompt,
        "style": image.style,
        "width": image.width,
        "height": image.height,
        "steps": image.steps,
        "guidance": image.guidance,
        "seed": image.seed,
        "model": image.model,
        "seconds": image.seconds,
        "bytes": image.bytes,
        "filename": image.filename,
        "favourite": image.favourite,
        "created_at": image.created_at.isoformat(),
        "deleted_at": image.deleted_at.isoformat() if image.deleted_at else None,
        "expires_at": expires_at.isoformat() if expires_at else None,
        "url": image.get_absolute_url(),
        "file": image.file_url,
        "thumbnail": image.thumbnail_url,
        "prompt_cut": image.prompt_cut,
        "thumbnails": {str(side): address for side, address in image.thumbnail_urls.items()},
    }
