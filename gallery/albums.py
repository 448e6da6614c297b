"""What people do with their albums.

Pictures in an album are exempt from retention, as favourites are. That is asked for every picture of a page and by
every sweep, so each image carries it (`in_album`); every change of an album's entries notes it in the same transaction.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from gallery import services
from gallery.models import Album, AlbumEntry, Image
from gallery.models.album import LONGEST_NAME

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MOST_ALBUMS = 200  # of one person: each is a chip on every page of the gallery


class NameRefused(Exception):
    """An album cannot be called so; `str()` is a sentence for the person, `limit` the length or number if it is one."""

    def __init__(self, message: str, limit: int | None = None) -> None:
        super().__init__(message)
        self.limit = limit


def create(*, user: AbstractBaseUser | AnonymousUser, name: str) -> Album:
    """An empty album. Raises NameRefused."""
    if Album.objects.visible_to(user).count() >= MOST_ALBUMS:
        message = _("You have %(limit)d albums, and more are not possible. Delete one first.")
        raise NameRefused(message % {"limit": MOST_ALBUMS}, MOST_ALBUMS)
    album = Album(owner_id=int(user.pk or 0), name=_proper(name))
    try:
        with transaction.atomic():
            album.save(force_insert=True)
    except IntegrityError:
        raise _taken(album.name) from None
    return album


def create_unnamed(*, user: AbstractBaseUser | AnonymousUser) -> Album:
    """An empty album with the first free of the names *New album*, *New album 2*, … Raises NameRefused."""
    taken = {name.lower() for name in Album.objects.visible_to(user).values_list("name", flat=True)}
    first = _("New album")
    names = itertools.chain([first], (f"{first} {number}" for number in itertools.count(2)))
    return create(user=user, name=next(name for name in names if name.lower() not in taken))


def rename(album: Album, name: str) -> None:
    """Raises NameRefused."""
    proper = _proper(name)
    try:
        with transaction.atomic():
            Album.objects.filter(pk=album.pk).update(name=proper)
    except IntegrityError:
        raise _taken(proper) from None
    album.name = proper


def set_cover(album: Album, image: Image | None) -> None:
    """The picture that stands for the album; None: always the newest."""
    Album.objects.filter(pk=album.pk).update(cover=image)
    album.cover = image


def add(album: Album, ids: Iterable[UUID]) -> list[UUID]:
    """Put the owner's kept pictures into the album; the ids of those that were not in it before."""
    added: list[UUID] = []
    for chunk in services.chunks(ids):
        with transaction.atomic():
            found = Image.objects.kept().filter(owner_id=album.owner_id, pk__in=chunk).exclude(entries__album=album)
            new = services.lock(found)
            entries = [AlbumEntry(album=album, image_id=pk) for pk in new]
            AlbumEntry.objects.bulk_create(entries, ignore_conflicts=True)
            _note(new)
        added += new
    return added


def remove(album: Album, ids: Iterable[UUID]) -> list[UUID]:
    """Take pictures out of the album; the ids of those that were in it."""
    removed: list[UUID] = []
    for chunk in services.chunks(ids):
        with transaction.atomic():
            # Locked before it is written whether they are in any album: that looks at what others have done by then.
            locked = services.lock(Image.objects.filter(owner_id=album.owner_id, pk__in=chunk))
            entries = AlbumEntry.objects.filter(album=album, image__in=locked)
            gone = list(entries.values_list("image_id", flat=True))
            entries.delete()
            Album.objects.filter(pk=album.pk, cover__in=gone).update(cover=None)
            _note(gone)
        removed += gone
    return removed


def delete(album: Album, *, user: AbstractBaseUser | AnonymousUser, with_pictures: bool = False) -> list[UUID]:
    """Delete the album; with its pictures, also those in other albums, move to the bin. The ids of those that moved."""
    ids = list(AlbumEntry.objects.filter(album=album).values_list("image_id", flat=True))
    moved = services.move_to_bin(user=user, ids=ids) if with_pictures else []
    with transaction.atomic():
        ids = services.lock(Image.objects.filter(entries__album=album))
        album.delete()
        for chunk in services.chunks(ids):
            _note(chunk)
    return moved


def _note(ids: list[UUID]) -> None:
    """Write down whether these images are in any album now."""
    inside = Exists(AlbumEntry.objects.filter(image=OuterRef("pk")))
    Image.objects.filter(pk__in=ids).update(in_album=inside)


def _proper(name: str) -> str:
    """The name with single spaces. Raises NameRefused."""
    proper = " ".join(name.replace("\0", " ").split())
    if not proper:
        raise NameRefused(_("Give the album a name."))
    if len(proper) > LONGEST_NAME:
        message = _("The name has %(length)d characters; the limit is %(limit)d.")
        raise NameRefused(message % {"length": len(proper), "limit": LONGEST_NAME}, LONGEST_NAME)
    return proper


def _taken(name: str) -> NameRefused:
    return NameRefused(_("You already have an album called “%(name)s”.") % {"name": name})
