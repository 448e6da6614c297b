"""The gallery's pages, and the forms behind them for browsers without scripts. Everybody sees their own images only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from gallery import feed, keeping, services
from gallery.forms import PageRequest, back, chosen
from gallery.models import Album, AlbumEntry, Image

PAGE_SIZE = 60


@require_safe
@login_required
@vary_on_headers("HX-Request")
def gallery(request: PageRequest) -> HttpResponse:
    albums = list(Album.objects.visible_to(request.user).summed_up())
    filters = _filters(request.GET, albums)
    mine = Image.objects.visible_to(request.user)
    found = feed.Feed(feed.search(mine, **filters))
    day = _day(request.GET.get("day", ""))
    after = _place(request.GET.get("cursor", "")) or (feed.Place.before_end_of(day) if day else None)
    page = found.page(after, PAGE_SIZE)
    totals = feed.totals(request.user.pk)
    context = {
        "images": page.images,
        "days": feed.by_day(page.images),
        "continues_day": bool(
            after and page.images and timezone.localdate(after.moment) == timezone.localdate(page.images[0].created_at)
        ),
        "next_url": _next_url("gallery", page, **_query(filters)),
        "total": totals.kept,
        "found": found.images.count() if any(filters.values()) else totals.kept,
        "favourites_total": totals.favourites,
        "bin_total": totals.in_bin,
        "archives_total": totals.archives,
        "q": filters["text"],
        "favourite": filters["favourite"],
        "album": filters["album"],
        "albums": albums,
        "day": day,
        "today": timezone.localdate(),
        "retention_days": keeping.days_of(request.user.pk),
    }
    return render(request, "gallery/_page.html" if _wants_page_only(request) else "gallery/index.html", context)


@require_safe
@login_required
@vary_on_headers("HX-Request")
def recycle_bin(request: PageRequest) -> HttpResponse:
    found = feed.Feed(Image.objects.visible_to(request.user), in_bin=True)
    page = found.page(_place(request.GET.get("cursor", "")), PAGE_SIZE)
    context = {
        "images": page.images,
        "next_url": _next_url("bin", page),
        "total": found.images.count(),
        "bin_days": settings.BIN_DAYS,
    }
    return render(request, "gallery/_bin_page.html" if _wants_page_only(request) else "gallery/bin.html", context)


@require_safe
@login_required
def image(request: PageRequest, pk: UUID) -> HttpResponse:
    """One image among its neighbours, by the same search as the page it was opened from."""
    mine = Image.objects.visible_to(request.user)
    shown = get_object_or_404(mine, pk=pk)
    holds = Exists(AlbumEntry.objects.filter(album=OuterRef("pk"), image=shown))
    albums = list(Album.objects.visible_to(request.user).annotate(holds=holds))
    filters = _filters(request.GET, albums)
    searched = feed.search(mine, **filters)
    if any(filters.values()) and not searched.filter(pk=pk).exists():
        searched = mine  # it has just been unmarked, say: the search it came from no longer holds it
    around = feed.Feed(searched, in_bin=shown.in_bin)
    neighbours = around.neighbours(shown, feed.STRIP - 1)
    context = {
        "image": shown,
        "previous": neighbours.newer[0] if neighbours.newer else None,
        "next": neighbours.older[0] if neighbours.older else None,
        "strip": feed.strip(shown, neighbours),
        "position": around.position(shown),
        "total": around.images.count(),
        "q": filters["text"],
        "favourite": filters["favourite"],
        "album": filters["album"],
        "albums": albums,
        "in_bin": shown.in_bin,
        "expires_at": shown.expires_at,
        "bin_days": settings.BIN_DAYS,
        "missing": not (shown.file.name and shown.file.storage.exists(shown.file.name)),
    }
    return render(request, "gallery/image.html", context)


@require_POST
@login_required
def favourite(request: PageRequest, pk: UUID) -> HttpResponse:
    """Mark or unmark, as the field `favourite` says (1 or 0); without it, the other way round."""
    marked = get_object_or_404(Image.objects.visible_to(request.user), pk=pk)
    wanted = request.POST.get("favourite")
    services.set_favourite(image=marked, favourite=not marked.favourite if wanted is None else wanted == "1")
    return back(request, marked.get_absolute_url())


@require_POST
@login_required
def delete(request: PageRequest) -> HttpResponse:
    """Move the ticked images to the bin, or all: then `confirm` must hold their number, typed by the person."""
    everything = request.POST.get("all") in {"1", "on", "true"}
    if everything:
        total = Image.objects.visible_to(request.user).kept().count()
        if request.POST.get("confirm", "").strip() != str(total):
            messages.error(request, _("To delete all pictures, type their number: %(total)s.") % {"total": total})
            return back(request, reverse("gallery"))
    moved = services.move_to_bin(user=request.user, ids=chosen(request.POST), everything=everything)
    _tell(
        request,
        len(moved),
        ngettext("%(count)s picture is in the bin.", "%(count)s pictures are in the bin.", len(moved)),
    )
    return back(request, reverse("gallery"))


@require_POST
@login_required
def restore(request: PageRequest) -> HttpResponse:
    restored = services.restore(user=request.user, ids=chosen(request.POST))
    _tell(
        request,
        len(restored),
        ngettext(
            "%(count)s picture is back in the gallery.", "%(count)s pictures are back in the gallery.", len(restored)
        ),
    )
    return back(request, reverse("bin"))


def _wants_page_only(request: PageRequest) -> bool:
    """Whether a script asks for more images to put below others, and not for a whole page by way of a script."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def _filters(query: QueryDict, albums: Sequence[Album]) -> dict[str, Any]:
    """What the address asks for. Raises Http404 for an album that is not among the person's own."""
    text = query.get("q", "").replace("\0", " ").strip()[: feed.LONGEST_SEARCH]
    wanted = query.get("album", "")
    album = next((album for album in albums if str(album.pk) == wanted), None)
    if wanted and album is None:
        raise Http404
    return {"text": text, "favourite": query.get("favourite") in {"1", "on", "true"}, "album": album}


def _query(filters: dict[str, Any]) -> dict[str, str]:
    """The filters as they stand in an address."""
    album = str(filters["album"].pk) if filters["album"] else ""
    return {"q": filters["text"], "favourite": "1" if filters["favourite"] else "", "album": album}


def _place(cursor: str) -> feed.Place | None:
    try:
        return feed.Place.from_cursor(cursor) if cursor else None
    except ValueError:  # an address cut short: the first page is what is wanted
        return None


def _day(text: str) -> dt.date | None:
    """The day of an address, `2026-11-22`; anything else is none, and so is the last one there is: it has no end."""
    try:
        day = dt.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        return None
    return None if day == dt.date.max else day


def _next_url(name: str, page: feed.Page, **query: str) -> str:
    if not page.next:
        return ""
    return f"{reverse(name)}?{urlencode({key: value for key, value in query.items() if value} | {'cursor': page.next})}"


def _tell(request: HttpRequest, count: int, sentence: str) -> None:
    if count:
        messages.success(request, sentence % {"count": count})
    else:
        messages.info(request, _("No picture was chosen, or it was there already."))
