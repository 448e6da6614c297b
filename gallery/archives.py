"""ZIP files of pictures: asked for, packed by whoever calls `pack_next`, swept after a day.

The row is the job. What signals a wish carries nothing and may be lost: the packer looks by itself, too, and a row in
the hands of a packer that has died is free again when its lease is over.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from gallery import disk, packing
from gallery.models import Album, Archive, ArchiveQuerySet, Image
from gallery.models.archive import KEPT
from gallery.services import chunks
from gallery.signals import archive_finished, archive_wanted

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

logger = logging.getLogger(__name__)

MOST_PICTURES = 1_000
MOST_MEGABYTES = 4_000
MOST_KEPT_MEGABYTES = 8_000  # of one person
MOST_UNDER_WAY = 2  # of one person
LEASE = dt.timedelta(minutes=15)  # far longer than packing MOST_MEGABYTES takes
_MEGABYTE = 1_000_000


class ArchiveRefused(Exception):
    """Such a ZIP cannot be asked for; `str()` is a sentence for the person, `limit` the limit it names."""

    def __init__(self, message: str, limit: int | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class TooManyArchives(ArchiveRefused):
    """Nothing is wrong with it, but the person has others already."""


class NoRoom(Exception):
    """The disk is too full for it; `str()` is a sentence for the person."""


@transaction.atomic
def ask(*, user: AbstractBaseUser | AnonymousUser, ids: Iterable[UUID] = (), album: Album | None = None) -> Archive:
    """A ZIP of the user's own kept pictures among `ids`, or of all in an album. Raises ArchiveRefused, NoRoom."""
    # One at a time of each person, so that the limits hold.
    list(get_user_model()._default_manager.select_for_update(no_key=True).filter(pk=int(user.pk or 0)))
    mine = Image.objects.visible_to(user).kept()
    found = mine.filter(entries__album=album) if album else mine.filter(pk__in=list(ids))
    facts = found.aggregate(number=Count("pk"), bytes=Sum("bytes", default=0))
    if not facts["number"]:
        raise ArchiveRefused(_("No picture was chosen."))
    if facts["number"] > MOST_PICTURES:
        message = _("These are %(number)d pictures; one ZIP takes %(limit)d.")
        raise ArchiveRefused(message % {"number": facts["number"], "limit": MOST_PICTURES}, MOST_PICTURES)
    if facts["bytes"] > MOST_MEGABYTES * _MEGABYTE:
        message = _("These pictures have %(megabytes)d MB; one ZIP takes %(limit)d MB.")
        megabytes = facts["bytes"] // _MEGABYTE
        raise ArchiveRefused(message % {"megabytes": megabytes, "limit": MOST_MEGABYTES}, MOST_MEGABYTES)
    kept = Archive.objects.visible_to(user)
    if kept.under_way().count() >= MOST_UNDER_WAY:
        message = _("%(limit)d ZIP files are being packed for you. Wait until one is ready.")
        raise TooManyArchives(message % {"limit": MOST_UNDER_WAY}, MOST_UNDER_WAY)
    if kept.aggregate(sum=Sum("bytes", default=0))["sum"] + facts["bytes"] > MOST_KEPT_MEGABYTES * _MEGABYTE:
        message = _("Your ZIP files of the last day would have more than %(limit)d MB. Delete one of them.")
        raise TooManyArchives(message % {"limit": MOST_KEPT_MEGABYTES}, MOST_KEPT_MEGABYTES)
    require_room(facts["bytes"])
    chosen = [str(pk) for pk in found.order_by("-created_at", "-id").values_list("pk", flat=True)]
    title = album.name if album else ""
    archive = Archive.objects.create(
        owner_id=int(user.pk or 0), title=title, ids=chosen, number=len(chosen), bytes=facts["bytes"]
    )
    transaction.on_commit(lambda: archive_wanted.send_robust(sender=Archive))
    return archive


def require_room(size: int) -> None:
    """Raises NoRoom where so many bytes would leave the disk with less than READY_FREE_MEGABYTES."""
    try:
        free = disk.use().free - settings.READY_FREE_MEGABYTES * _MEGABYTE
    except disk.NoLocalDisk:
        return
    if size > free:
        message = _("The disk of the site is too full for a ZIP of %(megabytes)d MB. Choose fewer pictures.")
        raise NoRoom(message % {"megabytes": max(1, size // _MEGABYTE)})


def pack_next() -> bool:
    """Pack the ZIP that waits longest; whether there was one."""
    now = timezone.now()
    free = Q(state=Archive.State.WAITING) | Q(state=Archive.State.PACKING, started_at__lt=now - LEASE)
    open_ones = Archive.objects.filter(free, created_at__gt=now - KEPT)
    for pk in open_ones.order_by("created_at", "id").values_list("pk", flat=True)[:10]:
        # Of several packers one changes the row.
        if open_ones.filter(pk=pk).update(state=Archive.State.PACKING, started_at=now):
            _pack(Archive.objects.get(pk=pk))
            return True
    return False


def _pack(archive: Archive) -> None:
    images = Image.objects.kept().filter(owner_id=archive.owner_id, pk__in=archive.ids)
    ordered = list(images.order_by("-created_at", "-id"))
    mine = Archive.objects.filter(pk=archive.pk, state=Archive.State.PACKING, started_at=archive.started_at)
    try:
        require_room(sum(image.bytes for image in ordered))
        packed = packing.pack(ordered, archive)
    except (OSError, NoRoom, packing.NothingToPack) as error:
        logger.warning("ZIP %s could not be packed: %s", archive.pk, error)
        changed = mine.update(state=Archive.State.FAILED, bytes=0)
    else:
        changed = mine.update(
            state=Archive.State.READY, file=archive.file.name, number=packed.number, bytes=packed.bytes
        )
        if not changed:  # deleted meanwhile, or taken to be lost and packed by somebody else
            archive.file.delete(save=False)
    if changed:
        archive_finished.send_robust(sender=Archive, archive=Archive.objects.get(pk=archive.pk))


def overdue(now: dt.datetime, owner_id: int | None = None) -> ArchiveQuerySet:
    found = Archive.objects.filter(created_at__lt=now - KEPT)
    return found if owner_id is None else found.filter(owner_id=owner_id)


def spare(owner_id: int | None = None) -> ArchiveQuerySet:
    """Ready ones: the pictures in them are in the gallery, too, and can be packed again."""
    found = Archive.objects.filter(state=Archive.State.READY)
    return found if owner_id is None else found.filter(owner_id=owner_id)


def purge(archives: ArchiveQuerySet, ids: Iterable[UUID]) -> tuple[int, int]:
    """Delete those of `ids` that `archives` still holds, rows and files; how many, and their bytes."""
    number = size = 0
    for chunk in chunks(ids):
        with transaction.atomic():
            going = archives.filter(pk__in=chunk)
            size += sum(going.values_list("bytes", flat=True))
            number += going.delete()[1].get(Archive._meta.label, 0)
    return number, size
