"""How long pictures stay: what the daily sweep moves to the bin and what it deletes.

    kept ──older than RETENTION_DAYS──▶ bin ──longer than BIN_DAYS──▶ deleted
    the disk too full ──▶ the oldest deleted: the bin first, then the kept ones

Kept pictures that are favourites or in an album are spared, unless the policy includes favourites.

`plan` only looks; `carry_out` does what a plan says, and every change asks again whether it still holds. So a dry run
shows exactly what the real run does, and two sweeps at once are harmless.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Q

from gallery import archives, disk, inputs, keeping, services, strays
from gallery.models import ArchiveQuerySet, Image, ImageQuerySet
from gallery.strays import MissingFiles, StrayFile


@dataclass(frozen=True, slots=True)
class Policy:
    """What a sweep is asked to do. `older_than` in days, None: keep for ever; `free_to` in percent of the disk.

    `exceptions` are people for whom another number of days holds, by their ids.
    """

    older_than: int | None
    bin_days: int
    exceptions: Mapping[int, int | None] = field(default_factory=dict)
    owner_id: int | None = None
    free_to: float | None = None
    include_favourites: bool = False

    @property
    def expires(self) -> bool:
        """Whether anybody's pictures grow too old at all."""
        return self.older_than is not None or any(days is not None for days in self.exceptions.values())


class PlannedImage(NamedTuple):
    """An image that is to go. `since` is when it was made."""

    id: UUID
    owner: str
    since: dt.datetime
    bytes: int


@dataclass(slots=True)
class Plan:
    now: dt.datetime
    policy: Policy
    to_bin: list[PlannedImage] = field(default_factory=list)
    overdue: list[PlannedImage] = field(default_factory=list)  # in the bin for long enough
    to_free: list[PlannedImage] = field(default_factory=list)  # because the disk is too full
    strays: list[StrayFile] = field(default_factory=list)
    strays_are_suspicious: bool = False  # told of, never deleted
    missing: list[MissingFiles] = field(default_factory=list)  # told of, never deleted
    inputs: list[PlannedImage] = field(default_factory=list)  # brought to start from, and used no more
    archives: list[PlannedImage] = field(default_factory=list)  # ZIP files whose day is over
    spare_archives: list[PlannedImage] = field(default_factory=list)  # because the disk is too full


class Outcome(NamedTuple):
    """What a sweep did."""

    moved: int = 0
    deleted: int = 0
    deleted_bytes: int = 0
    strays: int = 0
    stray_bytes: int = 0
    inputs: int = 0
    input_bytes: int = 0
    archives: int = 0
    archive_bytes: int = 0


def default_policy() -> Policy:
    """What the daily sweep does, by the settings and by what holds for single people."""
    return Policy(
        older_than=settings.RETENTION_DAYS or None,
        bin_days=settings.BIN_DAYS,
        exceptions=keeping.days_of_people(),
    )


def plan(policy: Policy, now: dt.datetime) -> Plan:
    """What a sweep would do now. Changes nothing."""
    made = Plan(now, policy)
    if policy.expires:
        made.to_bin = _listed(_expired(made).order_by("created_at", "id"))
    made.overdue = _listed(_overdue(made).order_by("deleted_at", "id"))
    brought = inputs.overdue(now, policy.owner_id).order_by("used_at", "id")
    made.inputs = [PlannedImage(*facts) for facts in brought.values_list("pk", "owner__username", "used_at", "bytes")]
    made.archives = _listed_archives(archives.overdue(now, policy.owner_id))
    if policy.owner_id is None:
        made.strays, made.missing = strays.compare(now)
        made.strays_are_suspicious = strays.are_suspicious(made.strays)
    if policy.free_to is not None:
        _plan_to_free(made, policy.free_to)
    return made


def carry_out(made: Plan) -> Outcome:
    """Do what the plan says, as far as it still holds."""
    moved = services.bin_those(_expired(made), (image.id for image in made.to_bin), made.now)
    overdue, overdue_bytes = services.purge(_overdue(made), (image.id for image in made.overdue))
    freed, freed_bytes = services.purge(_freeable(made), (image.id for image in made.to_free))
    files, file_bytes = (0, 0) if made.strays_are_suspicious else strays.delete(made.strays)
    brought = inputs.purge((planned.id for planned in made.inputs), made.now)
    packed, packed_bytes = archives.purge(archives.overdue(made.now), (planned.id for planned in made.archives))
    spare, spare_bytes = archives.purge(archives.spare(), (planned.id for planned in made.spare_archives))
    return Outcome(
        len(moved),
        overdue + freed,
        overdue_bytes + freed_bytes,
        files,
        file_bytes,
        *brought,
        packed + spare,
        packed_bytes + spare_bytes,
    )


def _expired(made: Plan) -> ImageQuerySet:
    """Kept images that are old enough for the bin."""
    policy = made.policy
    people = defaultdict(list)
    for owner, own_days in policy.exceptions.items():
        people[own_days].append(owner)
    old = Q(pk__in=[])
    if policy.older_than is not None:
        old |= ~Q(owner_id__in=policy.exceptions) & _older_than(policy.older_than, made.now)
    for days, owners in people.items():
        if days is not None:
            old |= Q(owner_id__in=owners) & _older_than(days, made.now)
    found = _theirs(made).kept().filter(old)
    return found if policy.include_favourites else found.filter(favourite=False, in_album=False)


def _older_than(days: int, now: dt.datetime) -> Q:
    """Made, and since then not taken out of the bin again, before so many days."""
    before = now - dt.timedelta(days=days)
    return (Q(restored_at=None) | Q(restored_at__lt=before)) & Q(created_at__lt=before)


def _overdue(made: Plan) -> ImageQuerySet:
    """Images whose time in the bin is over."""
    return _theirs(made).filter(deleted_at__lt=made.now - dt.timedelta(days=made.policy.bin_days))


def _freeable(made: Plan) -> ImageQuerySet:
    """Images that may be deleted because the disk is too full: all in the bin, and kept ones that nobody has marked."""
    found = _theirs(made)
    if made.policy.include_favourites:
        return found
    return found.exclude(Q(favourite=True) | Q(in_album=True), deleted_at=None)


def _theirs(made: Plan) -> ImageQuerySet:
    """The images the sweep is about: none made since it began."""
    found = Image.objects.filter(created_at__lt=made.now)
    return found if made.policy.owner_id is None else found.filter(owner_id=made.policy.owner_id)


def _plan_to_free(made: Plan, percent: float) -> None:
    """Choose ZIP files, then the oldest images, the bin first, until what goes brings the disk down to `percent`."""
    now = disk.use()
    excess = now.used - now.total * percent / 100
    excess -= sum(image.bytes for image in [*made.overdue, *made.inputs, *made.archives])
    if not made.strays_are_suspicious:
        excess -= sum(stray.bytes for stray in made.strays)
    overdue = {planned.id for planned in made.archives}
    for planned in _listed_archives(archives.spare(made.policy.owner_id)):
        if excess > 0 and planned.id not in overdue:
            made.spare_archives.append(planned)
            excess -= planned.bytes
    going = {image.id for image in made.overdue}
    for image, name in _oldest_first(made):
        if excess <= 0:
            break
        # Where the file is not there, as on a disk that is not mounted, deleting the row would free nothing.
        if image.id not in going and default_storage.exists(name):
            made.to_free.append(image)
            going.add(image.id)
            excess -= image.bytes
    # What is deleted for want of room no longer goes to the bin.
    made.to_bin = [image for image in made.to_bin if image.id not in going]


def _oldest_first(made: Plan) -> Iterator[tuple[PlannedImage, str]]:
    """The images that may be deleted for want of room, with their file: bin, on the way to the bin, the others."""
    in_bin = _freeable(made).in_bin().order_by("deleted_at", "id")
    kept = _freeable(made).kept().order_by("created_at", "id")
    queries = [in_bin, kept]
    if made.policy.expires:
        queries.insert(1, _expired(made).order_by("created_at", "id"))
    for images in queries:
        for *facts, name in images.values_list(*_FACTS, "file").iterator(chunk_size=services.CHUNK):
            yield PlannedImage(*facts), name


_FACTS = ("pk", "owner__username", "created_at", "bytes")


def _listed_archives(found: ArchiveQuerySet) -> list[PlannedImage]:
    return [PlannedImage(*facts) for facts in found.order_by("created_at", "id").values_list(*_FACTS)]


def _listed(images: ImageQuerySet) -> list[PlannedImage]:
    return [PlannedImage(*facts) for facts in images.values_list(*_FACTS)]
