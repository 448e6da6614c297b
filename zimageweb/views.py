"""The person's own account page, what they prefer, and the pages for errors."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.i18n import set_language as language_cookie_view

from gallery.models import Image
from generation import quotas, spending
from zimageweb import closing
from zimageweb.chart import BarChart
from zimageweb.context_processors import THEME_COOKIE, THEMES, theme_of
from zimageweb.models import ApiToken, Preferences
from zimageweb.preferences import is_offered
from zimageweb.problems import problem

_MINUTE = 60  # seconds
_YEAR = 365 * 24 * 3600
_TOKENS_EACH = 20


@require_safe
@login_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    return _account_page(request)


def _account_page(request: HttpRequest, new_token: str = "") -> HttpResponse:
    user = request.user
    assert isinstance(user, User)  # noqa: S101  login_required
    usage, days = quotas.usage(user), spending.history(user)
    context = {
        "usage": usage,
        "days": days,
        "chart": BarChart({day.date: day.charged for day in days}, usage.day.limit),
        "languages": [get_language_info(code) for code, _name in settings.LANGUAGES],
        "themes": THEMES,
        "api_tokens": user.api_tokens.all(),
        "new_token": new_token,
    }
    return render(request, "account/overview.html", context)


@require_POST
@login_required
@never_cache
def create_api_token(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, this once: only its digest is kept, so there is no page to redirect to."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101  login_required
    if user.api_tokens.count() >= _TOKENS_EACH:
        messages.error(request, _("You have %(count)d tokens. Revoke one first.") % {"count": _TOKENS_EACH})
        return redirect("account")
    name = request.POST.get("name", "").replace("\0", "").strip()[: ApiToken._meta.get_field("name").max_length]
    return _account_page(request, ApiToken.issue(user, name))


@require_POST
@login_required
def revoke_api_token(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(ApiToken, pk=pk, user=request.user).delete()
    messages.success(request, _("The token no longer works."))
    return redirect("account")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    """Say what goes, ask once more, and let it go."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101  login_required
    form = closing.ClosingForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        with suppress(closing.LastSuperuser):  # the page says so
            pictures = closing.close(user)
            logout(request)
            message = ngettext(
                "Your account and %(count)d picture are gone.",
                "Your account and %(count)d pictures are gone.",
                pictures,
            )
            messages.success(request, message % {"count": pictures})
            return redirect("account_login")
    context = {
        "form": form,
        "pictures": Image.objects.visible_to(user).count(),
        "is_last": closing.is_last_superuser(user),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "account/delete.html", context, status=status)


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember `theme` for a year, on this device."""
    theme = request.POST.get("theme")
    if theme not in THEMES:
        return HttpResponseBadRequest()
    response = _done(request)
    response.set_cookie(
        THEME_COOKIE, theme, max_age=_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )
    return response


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """As Django's, which sets the cookie; for a person who is signed in it holds on every device."""
    user, language = request.user, request.POST.get("language", "")
    if isinstance(user, User) and is_offered(language):
        Preferences.set(user, language=language)
    return language_cookie_view(request)


@require_POST
@login_required
def set_keys(request: HttpRequest) -> HttpResponse:
    """Switch shortcuts of a single key `on` or `off`."""
    user, keys = request.user, request.POST.get("keys")
    if keys not in {"on", "off"} or not isinstance(user, User):
        return HttpResponseBadRequest()
    Preferences.set(user, single_keys=keys == "on")
    return _done(request)


def _done(request: HttpRequest) -> HttpResponse:
    """A form goes back to its page; a script gets 204."""
    if "text/html" in request.headers.get("Accept", ""):
        return HttpResponseRedirect(_way_back(request))  # an address, never a view's name
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _way_back(request: HttpRequest) -> str:
    """The page that sent the form, if it is one of ours."""
    for target in (request.POST.get("next"), request.headers.get("Referer")):
        if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
            return str(target)
    return "/"


def _is_for_programs(request: HttpRequest) -> bool:
    return request.path.startswith(("/api/", "/v1/"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_for_programs(request):
        return problem(400, "malformed", _("The request cannot be understood."))
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_for_programs(request):
        return problem(403, "forbidden", _("You are not allowed to do this."))
    return render(request, "403.html", status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_for_programs(request):
        return problem(404, "not_found", _("There is nothing here."))
    return render(request, "404.html", status=404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """What allauth answers to whoever signs up, asks for mails or guesses too fast. Rendered without the request, so
    that it costs no query."""
    context = {"site_name": settings.SITE_NAME, "theme": theme_of(request), "again": request.path}
    headers = {"Retry-After": str(_MINUTE), "Cache-Control": "no-store"}  # allauth counts all of these by the minute
    return HttpResponse(render_to_string("429.html", context), status=429, headers=headers)


def server_error(request: HttpRequest) -> HttpResponse:
    """The database may be what failed: the page is rendered without the request, so no context processor runs."""
    if _is_for_programs(request):
        return problem(500, "server_error", _("Something went wrong on our side. It has been logged."))
    context = {"site_name": settings.SITE_NAME, "theme": theme_of(request)}
    return HttpResponse(render_to_string("500.html", context), status=500)
