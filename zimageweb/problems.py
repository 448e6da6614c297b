"""Errors of the JSON API as RFC 9457 problem details: every exception becomes an answer here and nowhere else."""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from gallery.archives import ArchiveRefused, NoRoom, TooManyArchives
from gallery.metadata.settings import NoSettings
from gallery.metadata.texts import NotAPicture
from gallery.services import NumberChanged
from generation.exceptions import (
    IdempotencyConflict,
    InvalidParameters,
    InvalidTransition,
    NotDrawn,
    NotDrawnInTime,
    QuotaExceeded,
    RateLimited,
)
from zimageweb.credentials import CredentialsRefused, GuessedTooOften
from zimageweb.uploads import UploadTooBig

logger = logging.getLogger(__name__)


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
) -> JsonResponse:
    """One problem document. `code` is stable and for programs; `detail` is for the person, in their language."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    return JsonResponse(
        body | extra, status=status, headers=dict(headers or {}), content_type="application/problem+json"
    )


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Pydantic's errors as `{field, message, limit?}`, the field named as the caller wrote it."""
    limits = ("le", "lt", "ge", "gt", "max_length", "min_length")
    found = []
    for error in errors:
        # `loc` says where the value came from: ("query", "<field>"), ("body", "<argument>", "<field>", …).
        source, *inside = [str(part) for part in error.get("loc", ())] or [""]
        if source == "body":
            inside = inside[1:]
        entry: dict[str, Any] = {"field": ".".join(inside) or source, "message": _message(error)}
        context = error.get("ctx") or {}
        if (limit := next((context[name] for name in limits if name in context), None)) is not None:
            entry["limit"] = limit
        found.append(entry)
    return found


def _message(error: Mapping[str, Any]) -> str:
    """What is wrong, for the person. Pydantic has words for programmers, in English only."""
    kind, where = str(error.get("type", "")), error.get("loc", ())
    if kind in {"missing", "model_type", "json_invalid"} and len(where) <= 2 and "file" not in where:
        return _("Send a JSON object with the fields of this operation.")
    if sentence := _LIMITS.get(kind):
        values: dict[str, object] = error.get("ctx", {})
        return str(sentence) % values
    return str(_KINDS.get(kind.partition("_")[0]) or error.get("msg", ""))


_KINDS = {  # by how the names of pydantic's errors begin
    "missing": gettext_lazy("This field is required."),
    "int": gettext_lazy("This must be a whole number."),
    "float": gettext_lazy("This must be a number."),
    "finite": gettext_lazy("This must be a number."),
    "bool": gettext_lazy("This must be true or false."),
    "string": gettext_lazy("This must be a text."),
    "list": gettext_lazy("This must be a list."),
    "uuid": gettext_lazy("This is no id."),
}
_LIMITS = {
    "greater_than_equal": gettext_lazy("This must be at least %(ge)s."),
    "less_than_equal": gettext_lazy("This must be at most %(le)s."),
    "string_too_long": gettext_lazy("This may have %(max_length)s characters at most."),
    "too_long": gettext_lazy("At most %(max_length)s are taken at once."),
    "too_short": gettext_lazy("At least %(min_length)s are needed."),
}


def register(api: NinjaAPI, *, challenge: str = "Bearer") -> None:
    """Teach `api` to answer with problem documents. `challenge` says which credentials it takes (RFC 9110, 11.6.1)."""

    def unauthorized(detail: str) -> HttpResponse:
        return problem(401, "not_authenticated", detail, headers={"WWW-Authenticate": challenge})

    @api.exception_handler(ValidationError)
    def invalid_request(request: HttpRequest, error: ValidationError) -> HttpResponse:
        errors = field_errors(error.errors)
        first = errors[0] if errors else {"field": "", "message": ""}
        return problem(422, "invalid", f"{first['field']}: {first['message']}", errors=errors)

    @api.exception_handler(InvalidParameters)
    def invalid_parameters(request: HttpRequest, error: InvalidParameters) -> HttpResponse:
        errors = [{"field": item.field, "message": str(item.message), "limit": item.limit} for item in error.errors]
        return problem(422, "invalid", " ".join(str(item.message) for item in error.errors), errors=errors)

    @api.exception_handler(QuotaExceeded)
    def quota_exceeded(request: HttpRequest, error: QuotaExceeded) -> HttpResponse:
        wait = 60 if error.resets_at is None else max(1, int((error.resets_at - timezone.now()).total_seconds()) + 1)
        return problem(
            429,
            "quota_exceeded",
            str(error),
            headers={"Retry-After": str(wait)},
            quota=error.quota,
            limit=error.limit,
            used=error.used,
            resets_at=error.resets_at.isoformat() if error.resets_at else None,
        )

    @api.exception_handler(RateLimited)
    def rate_limited(request: HttpRequest, error: RateLimited) -> HttpResponse:
        return problem(
            429,
            "rate_limited",
            str(error),
            headers={"Retry-After": str(max(1, math.ceil(error.retry_after)))},
            limit=error.limit,
            used=error.limit,
            resets_at=(timezone.now() + dt.timedelta(seconds=error.retry_after)).isoformat(),
        )

    @api.exception_handler(NotDrawn)
    def not_drawn(request: HttpRequest, error: NotDrawn) -> HttpResponse:
        status, code = (502, "generation_failed") if error.failure else (409, "generation_cancelled")
        return problem(status, code, str(error), generations=error.generations, failure=error.failure or None)

    @api.exception_handler(NotDrawnInTime)
    def not_drawn_in_time(request: HttpRequest, error: NotDrawnInTime) -> HttpResponse:
        state = "running" if error.is_running else "cancelled"
        return problem(504, "not_drawn_in_time", str(error), generations=error.generations, state=state)

    @api.exception_handler(IdempotencyConflict)
    def idempotency_conflict(request: HttpRequest, error: IdempotencyConflict) -> HttpResponse:
        return problem(409, "idempotency_conflict", str(error))

    @api.exception_handler(InvalidTransition)
    def invalid_transition(request: HttpRequest, error: InvalidTransition) -> HttpResponse:
        return problem(409, "invalid_state", str(error))

    @api.exception_handler(NumberChanged)
    def number_changed(request: HttpRequest, error: NumberChanged) -> HttpResponse:
        return problem(409, "number_changed", str(error), expected=error.expected, found=error.found)

    @api.exception_handler(NotAPicture)
    def not_a_picture(request: HttpRequest, error: NotAPicture) -> HttpResponse:
        return problem(422, "not_a_picture", str(error), errors=[{"field": "file", "message": str(error)}])

    @api.exception_handler(NoSettings)
    def no_settings(request: HttpRequest, error: NoSettings) -> HttpResponse:
        return problem(422, "no_settings", str(error), errors=[{"field": "file", "message": str(error)}])

    @api.exception_handler(ArchiveRefused)
    def archive_refused(request: HttpRequest, error: ArchiveRefused) -> HttpResponse:
        if isinstance(error, TooManyArchives):
            return problem(429, "too_many_archives", str(error), limit=error.limit)
        errors = [{"field": "ids", "message": str(error), "limit": error.limit}]
        return problem(422, "invalid", str(error), errors=errors)

    @api.exception_handler(NoRoom)
    def no_room(request: HttpRequest, error: NoRoom) -> HttpResponse:
        return problem(507, "no_room", str(error))

    @api.exception_handler(AuthenticationError)
    def not_signed_in(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return unauthorized(_("Sign in, or send a valid API token."))

    @api.exception_handler(CredentialsRefused)
    def credentials_refused(request: HttpRequest, error: CredentialsRefused) -> HttpResponse:
        return unauthorized(str(error))

    @api.exception_handler(GuessedTooOften)
    def guessed_too_often(request: HttpRequest, error: GuessedTooOften) -> HttpResponse:
        return problem(429, "too_many_attempts", str(error), headers={"Retry-After": "60"})

    @api.exception_handler(AuthorizationError)
    @api.exception_handler(PermissionDenied)
    def forbidden(request: HttpRequest, error: Exception) -> HttpResponse:
        return problem(403, "forbidden", _("You are not allowed to do this."))

    @api.exception_handler(Http404)
    def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
        return problem(404, "not_found", _("There is nothing here."))

    @api.exception_handler(HttpError)
    def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
        if error.status_code == 400:  # Ninja's word for a body that it cannot parse
            message = _("The body is not valid JSON.")
            return problem(422, "invalid", message, errors=[{"field": "body", "message": message}])
        code = {403: "forbidden", 404: "not_found"}.get(error.status_code, "error")
        # The only 403 that Ninja raises itself is that of a page whose CSRF token another sign-in has replaced.
        stale = _("This page is out of date. Reload it and try again.")
        return problem(error.status_code, code, stale if error.status_code == 403 else str(error))

    @api.exception_handler(MultiPartParserError)
    @api.exception_handler(TooManyFieldsSent)
    @api.exception_handler(TooManyFilesSent)
    def bad_form(request: HttpRequest, error: Exception) -> HttpResponse:
        message = _("The body is not a valid form.")
        return problem(422, "invalid", message, errors=[{"field": "body", "message": message}])

    @api.exception_handler(RequestDataTooBig)
    def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        limit = error.limit if isinstance(error, UploadTooBig) else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        detail = _("The request is larger than %(limit)d bytes.") % {"limit": limit}
        return problem(413, "too_large", detail, limit=limit)

    @api.exception_handler(OperationalError)
    @api.exception_handler(InterfaceError)
    def database_away(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.error("%s %s: the database does not answer: %s", request.method, request.path, error)
        detail = _("The database does not answer. Nothing that was accepted is lost; try again in a few seconds.")
        return problem(503, "unavailable", detail, headers={"Retry-After": "5"})

    @api.exception_handler(Exception)
    def unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.exception("%s %s failed", request.method, request.path)
        return problem(500, "server_error", _("Something went wrong on our side. It has been logged."))
