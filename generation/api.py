"""Generations, usage, queue and models as JSON. Each operation: parse, call one verb, render."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import File, Query, Router, Status
from ninja.files import UploadedFile
from ninja.params import functions as params

from gallery.feed import Place
from gallery.metadata import settings as picture_settings
from generation import catalogue, fitting, places, quotas, rate_limit, services, snapshot, styles
from generation.exceptions import FieldError, InvalidParameters
from generation.loras import LoraChoice
from generation.models import Batch, Generation, State
from generation.parameters import Parameters
from generation.representation import generation_as_json, generations_as_json
from generation.schemas import (
    Cancelled,
    GenerationOut,
    GenerationPage,
    GenerationRequest,
    PictureSettingsOut,
    SubmissionOut,
)
from generation.services import Submission

router = Router(tags=["generations"])

_PAGE = 50
_KEY = params.Header(None, alias="Idempotency-Key", max_length=200)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  the API's authentication has made sure
    return request.user


def _own(request: HttpRequest, pk: int) -> Generation:
    if pk >= 2**63:  # more than the database's integers hold
        raise Http404
    rows = Generation.objects.visible_to(_user(request)).select_related("image", "batch", "user")
    return get_object_or_404(rows, pk=pk)


def _submitted(user: User, submission: Submission) -> dict[str, Any]:
    return {
        "batch": str(submission.batch.pk),
        "generations": generations_as_json(submission.generations, submission.line),
        "usage": quotas.usage(user).as_json(),
    }


@router.post("generations", response={201: SubmissionOut}, summary="Ask for pictures")
def submit(
    request: HttpRequest, wanted: GenerationRequest, idempotency_key: Annotated[str | None, _KEY] = None
) -> Status[dict[str, Any]]:
    user = _user(request)
    rate_limit.take(user.pk)
    fields = wanted.model_dump()
    fields["style"] = fields["style"] or ""
    fields["loras"] = [LoraChoice(lora.name, lora.weight) for lora in wanted.loras]
    parameters = Parameters.checked(catalogue.current_model(), **fields)
    submission = services.submit(user=user, parameters=parameters, idempotency_key=idempotency_key)
    return Status(201, _submitted(user, submission))


@router.get("generations", response=GenerationPage, summary="One's own generations, newest first")
def list_generations(
    request: HttpRequest,
    state: Annotated[State | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    feed: bool = False,
) -> dict[str, Any]:
    """Pages of rows, or with `feed` of whole batches as the create page shows them."""
    user = _user(request)
    try:
        if feed:
            before = None if cursor is None else Place.from_cursor(cursor)
            items, following = snapshot.feed(user, places.read_line(), before)
            return {"items": items, "next": following}
        below = None if cursor is None else _row_number(cursor)
    except ValueError:
        error = FieldError("cursor", _("The cursor is not one that this list gave out."))
        raise InvalidParameters([error]) from None
    rows = Generation.objects.visible_to(user).select_related("image", "batch").order_by("-id")
    if state:
        rows = rows.filter(state=state)
    if below is not None:
        rows = rows.filter(pk__lt=below)
    page = list(rows[: _PAGE + 1])
    line = places.read_line() if any(row.is_active for row in page) else None
    return {
        "items": generations_as_json(page[:_PAGE], line),
        "next": str(page[_PAGE - 1].pk) if len(page) > _PAGE else None,
    }


def _row_number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and int(cursor) < 2**63):
        raise ValueError(cursor)
    return int(cursor)


def _as_json(row: Generation) -> dict[str, Any]:
    """One row, with its place if it has one: reading the whole line for a finished picture would be a waste."""
    return dict(generation_as_json(row, places.read_line() if row.is_active else None))


@router.post("generations/cancel", response=Cancelled, summary="Cancel everything one still waits for")
def cancel_all(request: HttpRequest) -> dict[str, int]:
    return {"cancelled": services.cancel_all(user=_user(request))}


@router.get("generations/{int:pk}", response=GenerationOut, summary="One generation")
def get_generation(request: HttpRequest, pk: int) -> dict[str, Any]:
    return _as_json(_own(request, pk))


@router.post("generations/{int:pk}/cancel", response=GenerationOut, summary="Cancel one generation")
def cancel(request: HttpRequest, pk: int) -> dict[str, Any]:
    return _as_json(services.cancel(generation=_own(request, pk)))


@router.post("generations/{int:pk}/retry", response={201: SubmissionOut}, summary="Ask again for one that failed")
def retry(request: HttpRequest, pk: int) -> Status[dict[str, Any]]:
    user = _user(request)
    rate_limit.take(user.pk)
    return Status(201, _submitted(user, services.retry(user=user, generation=_own(request, pk))))


@router.post("batches/{uuid:pk}/cancel", response=Cancelled, summary="Cancel what is left of a batch")
def cancel_batch(request: HttpRequest, pk: UUID) -> dict[str, int]:
    batch = get_object_or_404(Batch.objects.select_related("user"), pk=pk, user=_user(request))
    return {"cancelled": services.cancel_batch(batch=batch)}


@router.post("settings/from-image", response=PictureSettingsOut, summary="Read the settings out of a picture file")
def settings_from_image(request: HttpRequest, file: Annotated[UploadedFile, File()]) -> fitting.FittedJSON:
    """PNG, JPEG or WebP, ours or another tool's, of 30 MB at most. Nothing is kept."""
    rate_limit.take(_user(request).pk)
    return fitting.fitted(picture_settings.read(file), catalogue.current_model())


@router.get("usage", response=dict[str, Any], summary="What is used of one's quota, and what is left")
def usage(request: HttpRequest) -> dict[str, Any]:
    return quotas.usage(_user(request)).as_json()


@router.get("queue", response=dict[str, Any], summary="The queue; other people's pictures are shapes without content")
def queue(request: HttpRequest) -> dict[str, Any]:
    return snapshot.queue(_user(request))


@router.get("models", response=dict[str, Any], summary="The model, its limits, and the styles")
def models(request: HttpRequest) -> dict[str, Any]:
    return {"models": [catalogue.current_model().as_json()], "styles": styles.styles_json()}
