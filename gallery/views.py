"""The gallery's pages, and the forms behind them for browsers without scripts. Everybody sees their own images only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from gallery import asked, density, feed, inputs, keeping, services
from gallery.forms import PageRequest, back, chosen, signed_in
from gallery.models import Album, AlbumEntry, Image

PAGE_SIZE = 60


@require_safe
@signed_in
@vary_on_headers("HX-Request")
def gallery(request: PageRequest) -> HttpResponse:
    albums = list(Album.objects.visible_to(request.user).summed_up())
    wanted = asked.Asked.read(request.GET, albums)
    mine = Image.objects.visible_to(request.user)
    found = feed.Feed(wanted.search(mine), oldest_first=wanted.oldest_first)
    page = found.page(wanted.start(found), PAGE_SIZE)
    totals = feed.totals(request.user.pk, found.of(page.unfinished) if page.unfinished else None)
    context = _as_context(wanted) | {
        "images": page.images,
        "days": feed.by_day(page, totals.also),
        "continues_day": _continues_day(wanted.cursor, page),
        "next_url": reverse("gallery") + wanted.link(cursor=page.next) if page.next else "",
        "total": totals.kept,
        "found": found.images.count() if wanted.is_search else totals.kept,
        "favourites_total": totals.favourites,
        "bin_total": totals.in_bin,
        "archives_total": totals.archives,
        "albums": albums,
        "day": wanted.day,
        "today": timezone.localdate(),
        "retention_days": keeping.days_of(request.user.pk),
        "density": density.of(request),
        "densities": density.Density.choices,
    }
    return render(request, "gallery/_page.html" if _wants_page_only(request) else "gallery/index.html", context)


@require_safe
@signed_in
@vary_on_headers("HX-Request")
def recycle_bin(request: PageRequest) -> HttpResponse:
    found = feed.Feed(Image.objects.visible_to(request.user), in_bin=True)
    page = found.page(asked.place(request.GET), PAGE_SIZE)
    context = {
        "images": page.images,
        "next_url": f"{reverse('bin')}?{urlencode({'cursor': page.next})}" if page.next else "",
        "total": found.images.count(),
        "bin_days": settings.BIN_DAYS,
        "density": density.of(request),
        "densities": density.Density.choices,
    }
    return render(request, "gallery/_bin_page.html" if _wants_page_only(request) else "gallery/bin.html", context)


@require_safe
@login_required
def image(request: PageRequest, pk: UUID) -> HttpResponse:
    """One image among its neighbours, by the same search and order as the page it was opened from."""
    mine = Image.objects.visible_to(request.user)
    shown = get_object_or_404(mine, pk=pk)
    holds = Exists(AlbumEntry.objects.filter(album=OuterRef("pk"), image=shown))
    albums = list(Album.objects.visible_to(request.user).annotate(holds=holds))
    wanted = asked.Asked.read(request.GET, albums)
    searched = wanted.search(mine)
    if wanted.is_search and not searched.filter(pk=pk).exists():
        searched = mine  # it has just been unmarked, say: the search it came from no longer holds it
    around = feed.Feed(searched, in_bin=shown.in_bin, oldest_first=wanted.oldest_first)
    neighbours = around.neighbours(shown, feed.STRIP - 1)
    context = _as_context(wanted) | {
        "image": shown,
        "previous": neighbours.before[0] if neighbours.before else None,
        "next": neighbours.after[0] if neighbours.after else None,
        "strip": feed.strip(shown, neighbours),
        "position": around.position(shown),
        "total": around.images.count(),
        "albums": albums,
        "in_bin": shown.in_bin,
        "expires_at": shown.expires_at,
        "bin_days": settings.BIN_DAYS,
        "start": _start_of(shown),
        "missing": not (shown.file.name and shown.file.storage.exists(shown.file.name)),
    }
    return render(request, "gallery/image.html", context)


@require_POST
@login_required
def favourite(request: PageRequest, pk: UUID) -> HttpResponse:
    """Mark or unmark, as the field `favourite` says (1 or 0); without it, the other way round."""
    marked = get_object_or_404(Image.objects.visible_to(request.user), pk=pk)
    wanted = request.POST.get("favourite")
    on = not marked.favourite if wanted is None else wanted == "1"
    services.set_favourite(user=request.user, ids=[marked.pk], favourite=on)
    return back(request, marked.get_absolute_url())


@require_POST
@login_required
def favourites(request: PageRequest) -> HttpResponse:
    """Mark the ticked images; if all of them are marked already, unmark them."""
    ids = chosen(request.POST)
    on = Image.objects.visible_to(request.user).filter(pk__in=ids, favourite=False).exists()
    count = len(services.set_favourite(user=request.user, ids=ids, favourite=on))
    if on:
        sentence = ngettext("%(count)s picture is a favourite now.", "%(count)s pictures are favourites now.", count)
    else:
        sentence = ngettext(
            "%(count)s picture is no favourite any more.", "%(count)s pictures are no favourites any more.", count
        )
    _tell(request, count, sentence)
    return back(request, reverse("gallery"))


@require_POST
@login_required
def delete(request: PageRequest) -> HttpResponse:
    """Move the ticked images to the bin, or all: then `confirm` must hold their number, typed by the person."""
    everything = _all_meant(request)
    total = None
    if everything:
        total = Image.objects.visible_to(request.user).kept().count()
        if request.POST.get("confirm", "").strip() != str(total):
            messages.error(request, _("To delete all pictures, type their number: %(total)s.") % {"total": total})
            return back(request, reverse("gallery"))
    try:
        moved = services.move_to_bin(user=request.user, ids=chosen(request.POST), everything=everything, expected=total)
    except services.NumberChanged as changed:
        messages.error(request, str(changed))
        return back(request, reverse("gallery"))
    _tell(
        request,
        len(moved),
        ngettext("%(count)s picture is in the bin.", "%(count)s pictures are in the bin.", len(moved)),
    )
    return back(request, reverse("gallery"))


@require_POST
@login_required
def restore(request: PageRequest) -> HttpResponse:
    """Take the ticked images out of the bin, or all."""
    restored = services.restore(user=request.user, ids=chosen(request.POST), everything=_all_meant(request))
    _tell(
        request,
        len(restored),
        ngettext(
            "%(count)s picture is back in the gallery.", "%(count)s pictures are back in the gallery.", len(restored)
        ),
    )
    return back(request, reverse("bin"))


def _all_meant(request: HttpRequest) -> bool:
    return request.POST.get("all") in {"1", "on", "true"}


def _wants_page_only(request: PageRequest) -> bool:
    """Whether a script asks for more images to put below others, and not for a whole page by way of a script."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def _as_context(wanted: asked.Asked) -> dict[str, Any]:
    return {
        "q": wanted.text,
        "favourite": wanted.favourite,
        "album": wanted.album,
        "oldest_first": wanted.oldest_first,
        "search": wanted.link(),
    }


def _start_of(image: Image) -> Image | None:
    """The picture of the gallery that `image` was drawn from, where it was and is still there."""
    try:
        found = inputs.find(image.owner_id, str(image.record.get("init_image")))
    except inputs.NotThere:
        return None
    return found if isinstance(found, Image) else None


def _continues_day(cursor: feed.Place | None, page: feed.Page) -> bool:
    """Whether the page goes on with the day with which the page before it ended."""
    if cursor is None or not page.images:
        return False
    return timezone.localdate(cursor.moment) == timezone.localdate(page.images[0].created_at)


def _tell(request: HttpRequest, count: int, sentence: str) -> None:
    if count:
        messages.success(request, sentence % {"count": count})
    else:
        messages.info(request, _("No picture was chosen, or it was there already."))
