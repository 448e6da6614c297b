"""The page of one's ZIP files, and the forms behind it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from gallery import archives
from gallery.forms import PageRequest, chosen
from gallery.models import Album, Archive


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def index(request: PageRequest) -> HttpResponse:
    """The ZIP files of the last day; posting the ticked pictures, or an album, asks for another one."""
    if request.method != "POST":
        return render(request, "gallery/archives.html", {"archives": Archive.objects.visible_to(request.user)})
    return _ask(request, None)


@require_POST
@login_required
def of_album(request: PageRequest, pk: UUID) -> HttpResponse:
    return _ask(request, get_object_or_404(Album.objects.visible_to(request.user), pk=pk))


def _ask(request: PageRequest, album: Album | None) -> HttpResponse:
    try:
        archives.ask(user=request.user, ids=chosen(request.POST), album=album)
    except (archives.ArchiveRefused, archives.NoRoom) as refusal:
        messages.error(request, str(refusal))
    return redirect("archives")


@require_POST
@login_required
def delete(request: PageRequest, pk: UUID) -> HttpResponse:
    get_object_or_404(Archive.objects.visible_to(request.user), pk=pk).delete()
    messages.success(request, _("The ZIP is deleted; its pictures are not."))
    return redirect("archives")
