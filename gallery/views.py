"""The gallery's pages, and the forms behind them for browsers without scripts. Everybody sees their own images only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from gallery import feed, keeping, services
from gallery.models import Image
from gallery.schemas import MOST_IDS

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_htmx.middleware import HtmxDetails

    class PageRequest(HttpRequest):
        user: User
        htmx: HtmxDetails


PAGE_SIZE = 60


@require_safe
@login_required
@vary_on_headers("HX-Request")
def gallery(request: PageRequest) -> HttpResponse:
    filters = _filters(request.GET)
    mine = Image.objects.visible_to(request.user)
    found = feed.Feed(feed.search(mine, **filters))
    after = _place(request.GET.get("cursor", ""))
    page = found.page(after, PAGE_SIZE)
    total = mine.kept().count()
    context = {
        "images": page.images,
        "days": feed.by_day(page.images),
        "continues_day": bool(
            after and page.images and timezone.localdate(after.moment) == timezone.localdate(page.images[0].created_at)
        ),
        "next_url": _next_url("gallery", page, **_query(filters)),
        "total": total,
        "found": found.images.count() if any(filters.values()) else total,
        "favourites_total": mine.kept().filter(favourite=True).count(),
        "bin_total": mine.in_bin().count(),
        "q": filters["text"],
        "favourite": filters["favourite"],
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
    filters = _filters(request.GET)
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
    chosen = get_object_or_404(Image.objects.visible_to(request.user), pk=pk)
    wanted = request.POST.get("favourite")
    services.set_favourite(image=chosen, favourite=not chosen.favourite if wanted is None else wanted == "1")
    return _back(request, chosen.get_absolute_url())


@require_POST
@login_required
def delete(request: PageRequest) -> HttpResponse:
    """Move the ticked images to the bin, or all: then `confirm` must hold their number, typed by the person."""
    everything = request.POST.get("all") in {"1", "on", "true"}
    if everything:
        total = Image.objects.visible_to(request.user).kept().count()
        if request.POST.get("confirm", "").strip() != str(total):
            messages.error(request, _("To delete all pictures, type their number: %(total)s.") % {"total": total})
            return _back(request, reverse("gallery"))
    moved = services.move_to_bin(user=request.user, ids=_chosen(request.POST), everything=everything)
    _tell(
        request,
        len(moved),
        ngettext("%(count)s picture is in the bin.", "%(count)s pictures are in the bin.", len(moved)),
    )
    return _back(request, reverse("gallery"))


@require_POST
@login_required
def restore(request: PageRequest) -> HttpResponse:
    restored = services.restore(user=request.user, ids=_chosen(request.POST))
    _tell(
        request,
        len(restored),
        ngettext(
            "%(count)s picture is back in the gallery.", "%(count)s pictures are back in the gallery.", len(restored)
        ),
    )
    return _back(request, reverse("bin"))


def _wants_page_only(request: PageRequest) -> bool:
    """Whether a script asks for more images to put below others, and not for a whole page by way of a script."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def _filters(query: QueryDict) -> dict[str, Any]:
    text = query.get("q", "").replace("\0", " ").strip()[: feed.LONGEST_SEARCH]
    return {"text": text, "favourite": query.get("favourite") in {"1", "on", "true"}}


def _query(filters: dict[str, Any]) -> dict[str, str]:
    """The filters as they stand in an address."""
    return {"q": filters["text"], "favourite": "1" if filters["favourite"] else ""}


def _place(cursor: str) -> feed.Place | None:
    try:
        return feed.Place.from_cursor(cursor) if cursor else None
    except ValueError:  # an address cut short: the first page is what is wanted
        return None


def _next_url(name: str, page: feed.Page, **query: str) -> str:
    if not page.next:
        return ""
    return f"{reverse(name)}?{urlencode({key: value for key, value in query.items() if value} | {'cursor': page.next})}"


def _chosen(form: QueryDict) -> list[UUID]:
    chosen = []
    for text in [*form.getlist("ids"), *form.getlist("ids[]")][:MOST_IDS]:
        try:
            chosen.append(UUID(text))
        except ValueError:  # not one of ours
            continue
    return chosen


def _tell(request: HttpRequest, count: int, sentence: str) -> None:
    if count:
        messages.success(request, sentence % {"count": count})
    else:
        messages.info(request, _("No picture was chosen, or it was there already."))


def _back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To the page that the form names in `next`, if it is one of this site."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return HttpResponseRedirect(wanted)  # an address as it stands; `redirect` might take it for a view's name
    return redirect(otherwise)
