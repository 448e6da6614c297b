"""The order of a gallery and walking through it: pages by cursor, neighbours, days.

Newest first or oldest first; the bin by the moment of deleting. A cursor is the place after the last image of a page,
so pages stay whole while pictures arrive, and every page is one index seek.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Count, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from gallery.models import Album, Archive, ArchiveQuerySet, Image, ImageQuerySet
from gallery.models.archive import KEPT

LONGEST_SEARCH = 200  # characters
STRIP = 9  # images in the viewer's film strip


class Place(NamedTuple):
    """Where an image stands in its feed."""

    moment: dt.datetime
    id: UUID

    def as_cursor(self) -> str:
        return base64.urlsafe_b64encode(f"{self.moment.isoformat()} {self.id.hex}".encode()).decode().rstrip("=")

    @classmethod
    def from_cursor(cls, cursor: str) -> Place:
        """The place that `as_cursor` wrote down. Raises ValueError for anything else."""
        try:
            text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, UnicodeError) as error:
            raise ValueError(cursor) from error
        written, _space, identity = text.partition(" ")
        moment = dt.datetime.fromisoformat(written)
        if timezone.is_naive(moment):
            raise ValueError(cursor)
        try:
            timezone.localtime(moment)  # pages ask on which day of the reader's it is
            return cls(moment.astimezone(dt.UTC), UUID(identity))
        except OverflowError as error:  # the first or last day there is, on the other side of the world
            raise ValueError(cursor) from error

    @classmethod
    def before_end_of(cls, day: dt.date) -> Place:
        """The place just above the last image of that day in the reader's time zone. Raises ValueError for the last
        day there is."""
        try:
            midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time())
            return cls(timezone.make_aware(midnight).astimezone(dt.UTC), UUID(int=0))
        except OverflowError as error:
            raise ValueError(day) from error


class Page(NamedTuple):
    images: list[Image]
    next: str  # cursor, or "" on the last page
    unfinished: dt.date | None = None  # the day of its last image, where the next page goes on with it


class Neighbours(NamedTuple):
    before: list[Image]  # the nearest first
    after: list[Image]


class Day(NamedTuple):
    label: str
    images: list[Image]
    total: int  # of all that were made on it; of those here where an earlier page has begun it, and told that


class Feed:
    """One person's images in the order in which they are shown: kept ones or the bin."""

    def __init__(self, images: ImageQuerySet, *, in_bin: bool = False, oldest_first: bool = False) -> None:
        self.field = "deleted_at" if in_bin else "created_at"
        self.images = images.in_bin() if in_bin else images.kept()
        self.oldest_first = oldest_first

    def page(self, after: Place | None, size: int) -> Page:
        found = list(self._following(after)[: size + 1] if after else self._in_order()[: size + 1])
        if len(found) <= size:
            return Page(found, "")
        last, first_of_next = self.place(found[size - 1]), self.place(found[size])
        day = timezone.localdate(last.moment)
        goes_on = day == timezone.localdate(first_of_next.moment)
        return Page(found[:size], last.as_cursor(), day if goes_on else None)

    def neighbours(self, image: Image, number: int) -> Neighbours:
        """Up to `number` images on either side of `image`."""
        place = self.place(image)
        return Neighbours(list(self._leading(place)[:number]), list(self._following(place)[:number]))

    def position(self, image: Image) -> int:
        """1 for the first image."""
        return self._leading(self.place(image)).count() + 1

    def place(self, image: Image) -> Place:
        return Place(getattr(image, self.field), image.pk)

    def start_of(self, day: dt.date) -> Place | None:
        """The place after which images of that day come first; None where all there are come after it."""
        if not self.oldest_first:
            return Place.before_end_of(day)
        return Place.before_end_of(day - dt.timedelta(days=1)) if day > dt.date.min else None

    def of(self, day: dt.date) -> ImageQuerySet:
        """Those of that day in the reader's time zone."""
        moments = (timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=n), dt.time())) for n in (0, 1))
        return self.images.filter(**dict(zip((f"{self.field}__gte", f"{self.field}__lt"), moments, strict=True)))

    def _in_order(self) -> ImageQuerySet:
        return self.images.order_by(self.field, "id") if self.oldest_first else self._newest_first()

    def _following(self, place: Place) -> ImageQuerySet:
        return self._newer(place) if self.oldest_first else self._older(place)

    def _leading(self, place: Place) -> ImageQuerySet:
        """Those before the place, the nearest first."""
        return self._older(place) if self.oldest_first else self._newer(place)

    def _newest_first(self) -> ImageQuerySet:
        return self.images.order_by(f"-{self.field}", "-id")

    def _older(self, place: Place) -> ImageQuerySet:
        # The first condition follows from the second; the databases seek by it in the index.
        return self._newest_first().filter(
            Q(**{f"{self.field}__lt": place.moment}) | Q(id__lt=place.id),
            **{f"{self.field}__lte": place.moment},
        )

    def _newer(self, place: Place) -> ImageQuerySet:
        return self.images.order_by(self.field, "id").filter(
            Q(**{f"{self.field}__gt": place.moment}) | Q(id__gt=place.id),
            **{f"{self.field}__gte": place.moment},
        )


def search(
    images: ImageQuerySet, *, text: str = "", favourite: bool = False, album: Album | None = None
) -> ImageQuerySet:
    """The images that a search finds; all of them where nothing is asked."""
    # PostgreSQL refuses NUL in text, and no prompt holds one.
    found = images.matching(text.replace("\0", " ")[:LONGEST_SEARCH])
    if album is not None:
        found = found.filter(entries__album=album)
    return found.filter(favourite=True) if favourite else found


class Totals(NamedTuple):
    kept: int
    favourites: int
    in_bin: int
    archives: int
    also: int


def totals(owner_id: int, also: ImageQuerySet | None = None) -> Totals:
    """How many images and ZIP files a person has, and how many of their images are those of `also`, in one query; each
    number of images comes from its own index."""

    def number(images: ImageQuerySet | ArchiveQuerySet) -> Coalesce:
        counted = images.filter(owner_id=owner_id).order_by().values("owner").annotate(number=Count("pk"))
        return Coalesce(Subquery(counted.values("number")), 0)

    images = Image.objects.all()
    numbers = [number(images.kept()), number(images.kept().filter(favourite=True)), number(images.in_bin())]
    numbers.append(number(Archive.objects.filter(created_at__gt=timezone.now() - KEPT)))
    numbers.append(number(Image.objects.none() if also is None else also))
    return Totals(*get_user_model()._default_manager.filter(pk=owner_id).values_list(*numbers).get())


def strip(image: Image, around: Neighbours) -> list[Image]:
    """`image` with its neighbours, in order: in the middle where it can be, at most `STRIP` together."""
    before = around.before[: max(STRIP // 2, STRIP - 1 - len(around.after))]
    return [*reversed(before), image, *around.after[: STRIP - 1 - len(before)]]


def by_day(page: Page, in_unfinished: int = 0) -> list[Day]:
    """The images of the page under the days on which they were made, in the reader's time zone; `in_unfinished` is the
    count of the day that goes on after it."""
    days = [
        (day, list(images)) for day, images in groupby(page.images, lambda each: timezone.localdate(each.created_at))
    ]
    return [Day(_label(day), images, in_unfinished if day == page.unfinished else len(images)) for day, images in days]


def _label(day: dt.date) -> str:
    ago = (timezone.localdate() - day).days
    if ago == 0:
        return _("Today")
    return _("Yesterday") if ago == 1 else date_format(day, "DATE_FORMAT")
