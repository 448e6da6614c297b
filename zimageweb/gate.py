"""While planned work goes on (`maintenance`): people get a calm page, programs a problem document, staff get in.

Nothing here needs the database, which may be what is worked on. The gate is HTTP's alone: workers draw on.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from zimageweb import maintenance
from zimageweb.context_processors import theme_of
from zimageweb.maintenance import Maintenance
from zimageweb.models import ApiToken, Preferences
from zimageweb.preferences import is_offered
from zimageweb.problems import problem

# Probes; where staff work; and where they sign in, without which they could not show that they are staff.
_OPEN = (
    "/health",
    "/metrics",
    "/admin/",
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/2fa/authenticate/",
    "/i18n/",
)
_FOR_PROGRAMS = ("/api/", "/v1/")


class MaintenanceMiddleware:
    """Stands after whatever finds the person and before everything that asks the database without being asked to."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._answer(request)
        return _refusal(request) or self.get_response(request)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        refusal = await sync_to_async(_refusal)(request) if maintenance.current() else None
        answer: HttpResponseBase = refusal or await self.get_response(request)
        return answer


def _refusal(request: HttpRequest) -> HttpResponse | None:
    work = maintenance.current()
    if work is None or request.path.startswith(_OPEN):
        return None
    try:
        if _is_staff(request):
            return None
        preferred = Preferences.of(request.user).language
    except DatabaseError:
        preferred = ""
    with translation.override(preferred if is_offered(preferred) else translation.get_language()):
        answer = _problem(work) if request.path.startswith(_FOR_PROGRAMS) else _page(request, work)
        answer.headers.setdefault("Content-Language", translation.get_language())
    answer["Retry-After"] = str(work.retry_after)
    answer["Cache-Control"] = "no-store"
    return answer


def _is_staff(request: HttpRequest) -> bool:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    person = ApiToken.user_for(token.strip()) if scheme.lower() == "bearer" else request.user
    return bool(person and person.is_active and person.is_staff)


def _problem(work: Maintenance) -> HttpResponse:
    detail = _("Planned work is going on. Pictures that were asked for are kept; try again later.")
    until = work.until.isoformat() if work.until else None
    return problem(503, "maintenance", f"{detail} {work.message}".strip(), until=until)


def _page(request: HttpRequest, work: Maintenance) -> HttpResponse:
    """Rendered without the request, so that no context processor runs."""
    context = {"site_name": settings.SITE_NAME, "theme": theme_of(request), "work": work}
    return HttpResponse(render_to_string("503.html", context), status=503)
