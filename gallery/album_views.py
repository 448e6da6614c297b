"""The forms behind the albums, for browsers without scripts. Other people's albums do not exist."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from gallery import albums
from gallery.forms import PageRequest, back, chosen
from gallery.models import Album


def _own(request: PageRequest, pk: UUID) -> Album:
    return get_object_or_404(Album.objects.visible_to(request.user), pk=pk)


@require_POST
@login_required
def create(request: PageRequest) -> HttpResponse:
    try:
        album = albums.create(user=request.user, name=request.POST.get("name", ""))
    except albums.NameRefused as refusal:
        messages.error(request, str(refusal))
        return back(request, reverse("gallery"))
    return redirect(album)


@require_POST
@login_required
def add_to_new(request: PageRequest) -> HttpResponse:
    """Put the ticked pictures into an album that is yet to be named, and show it."""
    try:
        album = albums.create_unnamed(user=request.user)
    except albums.NameRefused as refusal:
        messages.error(request, str(refusal))
        return back(request, reverse("gallery"))
    albums.add(album, chosen(request.POST))
    return redirect(album)


@require_POST
@login_required
def add(request: PageRequest, pk: UUID) -> HttpResponse:
    album = _own(request, pk)
    count = len(albums.add(album, chosen(request.POST)))
    sentence = ngettext("%(count)s picture added to “%(album)s”.", "%(count)s pictures added to “%(album)s”.", count)
    messages.success(request, sentence % {"count": count, "album": album.name})
    return back(request, album.get_absolute_url())


@require_POST
@login_required
def remove(request: PageRequest, pk: UUID) -> HttpResponse:
    album = _own(request, pk)
    count = len(albums.remove(album, chosen(request.POST)))
    sentence = ngettext(
        "%(count)s picture taken out of “%(album)s”.", "%(count)s pictures taken out of “%(album)s”.", count
    )
    messages.success(request, sentence % {"count": count, "album": album.name})
    return back(request, album.get_absolute_url())


@require_POST
@login_required
def rename(request: PageRequest, pk: UUID) -> HttpResponse:
    album = _own(request, pk)
    try:
        albums.rename(album, request.POST.get("name", ""))
    except albums.NameRefused as refusal:
        messages.error(request, str(refusal))
    return redirect(album)


@require_POST
@login_required
def cover(request: PageRequest, pk: UUID) -> HttpResponse:
    """Let the picture in `image` stand for the album; without one, always the newest."""
    album = _own(request, pk)
    ids = chosen(request.POST)
    albums.set_cover(album, get_object_or_404(album.images.kept(), pk=ids[0]) if ids else None)
    messages.success(request, _("“%(album)s” has a new cover.") % {"album": album.name})
    return back(request, album.get_absolute_url())


@require_POST
@login_required
def delete(request: PageRequest, pk: UUID) -> HttpResponse:
    """Delete the album only, or with `pictures`, which go to the bin."""
    album = _own(request, pk)
    name = album.name
    moved = albums.delete(album, user=request.user, with_pictures=request.POST.get("pictures") == "1")
    messages.success(request, _("The album “%(album)s” is deleted.") % {"album": name})
    if moved:
        sentence = ngettext("%(count)s picture is in the bin.", "%(count)s pictures are in the bin.", len(moved))
        messages.success(request, sentence % {"count": len(moved)})
    return redirect("gallery")
