"""What people do with their pictures. Each verb touches at most `CHUNK` rows in one transaction.

Ids that are not the user's own, or not where the verb looks for them, are passed over: a bulk answer names what moved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import ngettext

from gallery.models import Image, ImageQuerySet
from gallery.signals import images_marked, images_moved

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

CHUNK = 500  # rows in one statement: SQLite's writers wait for each other


class NumberChanged(Exception):
    """All pictures were meant, but they are not as many as the person agreed to; `str()` is a sentence for people."""

    def __init__(self, *, expected: int, found: int) -> None:
        sentence = ngettext(
            "There is %(found)s picture now, not %(expected)s. Nothing was deleted.",
            "There are %(found)s pictures now, not %(expected)s. Nothing was deleted.",
            found,
        )
        super().__init__(sentence % {"found": found, "expected": expected})
        self.expected, self.found = expected, found


def set_favourite(*, user: AbstractBaseUser | AnonymousUser, ids: Iterable[UUID], favourite: bool) -> list[UUID]:
    """Mark or unmark images, in the bin too; the ids of those that this call changed. Retention spares favourites."""
    marked: list[UUID] = []
    for chunk in chunks(ids):
        with transaction.atomic():
            found = lock(Image.objects.visible_to(user).filter(pk__in=chunk, favourite=not favourite))
            Image.objects.filter(pk__in=found).update(favourite=favourite)
        marked += found
    if marked:
        images_marked.send_robust(sender=Image, owner_id=user.pk, ids=marked, favourite=favourite)
    return marked


def move_to_bin(
    *,
    user: AbstractBaseUser | AnonymousUser,
    ids: Iterable[UUID] = (),
    everything: bool = False,
    expected: int | None = None,
) -> list[UUID]:
    """Move kept images to the bin, named ones or all; the ids of those that this call moved.

    With everything, `expected` is the number that the person agreed to. Raises NumberChanged if it is another by now.
    """
    now = timezone.now()
    mine = Image.objects.visible_to(user)
    if everything:  # pictures that arrive while this runs were not meant
        ids = list(mine.kept().filter(created_at__lte=now).values_list("pk", flat=True))
        if expected is not None and expected != len(ids):
            raise NumberChanged(expected=expected, found=len(ids))
    moved = bin_those(mine, ids, now)
    if moved:
        images_moved.send_robust(sender=Image, owner_id=user.pk, deleted=moved, restored=[])
    return moved


def restore(
    *, user: AbstractBaseUser | AnonymousUser, ids: Iterable[UUID] = (), everything: bool = False
) -> list[UUID]:
    """Take images out of the bin, named ones or all; the ids of those that this call took out."""
    restored: list[UUID] = []
    if everything:
        ids = Image.objects.visible_to(user).in_bin().values_list("pk", flat=True)
    for chunk in chunks(ids):
        with transaction.atomic():
            found = lock(Image.objects.visible_to(user).in_bin().filter(pk__in=chunk))
            Image.objects.filter(pk__in=found).restore()
        restored += found
    if restored:
        images_moved.send_robust(sender=Image, owner_id=user.pk, deleted=[], restored=restored)
    return restored


def bin_those(images: ImageQuerySet, ids: Iterable[UUID], now: dt.datetime) -> list[UUID]:
    """Move those of `ids` that `images` still holds, and that are kept, to the bin; the ids of those moved."""
    moved: list[UUID] = []
    for chunk in chunks(ids):
        with transaction.atomic():
            found = lock(images.kept().filter(pk__in=chunk))
            Image.objects.filter(pk__in=found).move_to_bin(now)
        moved += found
    return moved


def purge(images: ImageQuerySet, ids: Iterable[UUID]) -> tuple[int, int]:
    """Delete those of `ids` that `images` still holds, rows and files, for good; how many, and their bytes.

    The rows are locked and looked at again, so that a picture restored in the meantime stays. The files go when the
    transaction is committed (django-cleanup), never before.
    """
    number = size = 0
    for chunk in chunks(ids):
        with transaction.atomic():
            found = Image.objects.filter(pk__in=lock(images.filter(pk__in=chunk)))
            size += found.aggregate(size=Sum("bytes", default=0))["size"]
            number += found.delete()[1].get(Image._meta.label, 0)
    return number, size


def chunks(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    """The ids, each once, in lists of at most `CHUNK`."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]


def lock(images: ImageQuerySet) -> list[UUID]:
    """Lock the rows, always in the same order, so that no two calls wait for each other; their ids."""
    return list(images.order_by("-created_at", "-id").select_for_update(of=("self",)).values_list("pk", flat=True))
