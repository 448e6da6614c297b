"""How large a browser shows the pictures of the gallery: in a cookie, so that the first page is right at once."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from gallery.forms import back

COOKIE = "density"
_YEAR = 365 * 24 * 3600  # seconds


class Density(TextChoices):
    """Style sheets know them as `rows-compact` and so on."""

    COMFORTABLE = "comfortable", _("Large pictures")
    STANDARD = "standard", _("Medium pictures")
    COMPACT = "compact", _("Small pictures")


def of(request: HttpRequest) -> Density:
    """What the browser chose; what else stands in the cookie never reaches the page."""
    try:
        return Density(request.COOKIES.get(COOKIE, ""))
    except ValueError:
        return Density.STANDARD


@require_POST
@login_required
def choose(request: HttpRequest) -> HttpResponse:
    """Remember `density` for a year. A form goes back to its page; a script gets 204."""
    chosen = request.POST.get("density", "")
    if chosen not in Density.values:
        return HttpResponseBadRequest()
    if "text/html" in request.headers.get("Accept", ""):
        response = back(request, reverse("gallery"))
    else:
        response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    response.set_cookie(
        COOKIE, chosen, max_age=_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )
    return response
