"""What the address of a gallery's page asks for: a search, an order, where to begin; and how links say the same again.

Whatever is no answer to a question counts as not asked, but for an album that is not one's own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, QueryDict

from gallery import feed
from gallery.models import Album, ImageQuerySet

OLDEST = "oldest"  # the other order, newest first, is that of an address without a word about it


@dataclass(frozen=True, slots=True)
class Asked:
    text: str
    favourite: bool
    album: Album | None
    oldest_first: bool
    cursor: feed.Place | None
    day: dt.date | None

    @classmethod
    def read(cls, query: QueryDict, albums: Sequence[Album]) -> Asked:
        """Raises Http404 for an album that is not among `albums`, the person's own."""
        wanted = query.get("album", "")
        album = next((album for album in albums if str(album.pk) == wanted), None)
        if wanted and album is None:
            raise Http404
        return cls(
            text=query.get("q", "").replace("\0", " ").strip()[: feed.LONGEST_SEARCH],
            favourite=query.get("favourite") in {"1", "on", "true"},
            album=album,
            oldest_first=query.get("sort") == OLDEST,
            cursor=place(query),
            day=_day(query.get("day", "")),
        )

    @property
    def is_search(self) -> bool:
        return bool(self.text or self.favourite or self.album)

    def search(self, images: ImageQuerySet) -> ImageQuerySet:
        return feed.search(images, text=self.text, favourite=self.favourite, album=self.album)

    def start(self, found: feed.Feed) -> feed.Place | None:
        """The place after which the page begins; None for the first page."""
        return self.cursor or (found.start_of(self.day) if self.day else None)

    def link(self, **more: str) -> str:
        """The search and the order as they stand in an address, `?q=fox&sort=oldest`; empty where nothing is asked."""
        said = {
            "album": str(self.album.pk) if self.album else "",
            "q": self.text,
            "favourite": "1" if self.favourite else "",
            "sort": OLDEST if self.oldest_first else "",
        } | more
        written = urlencode({name: value for name, value in said.items() if value})
        return f"?{written}" if written else ""


def place(query: QueryDict) -> feed.Place | None:
    """Where a page begins by its cursor. An address cut short means the first page."""
    try:
        return feed.Place.from_cursor(cursor) if (cursor := query.get("cursor", "")) else None
    except ValueError:
        return None


def _day(text: str) -> dt.date | None:
    """The day of an address, `2026-11-22`; anything else is none, and so is the last one there is: it has no end."""
    try:
        day = dt.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        return None
    return None if day == dt.date.max else day
