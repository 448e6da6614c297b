"""Inputs as JSON and files: what people bring to start from. Each operation: parse, call one verb, render."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import File, Router, Status
from ninja.files import UploadedFile

from gallery.models import Input
from gallery.serving import send
from generation import rate_limit, services
from generation.schemas import InputOut

router = Router(tags=["inputs"])


def _as_json(kept: Input) -> dict[str, object]:
    expires_at = kept.expires_at.isoformat()
    return {"id": str(kept.pk), "width": kept.width, "height": kept.height, "expires_at": expires_at}


@router.post("inputs", response={201: InputOut}, summary="Bring a picture, or a mask, to start from")
def take(request: HttpRequest, file: Annotated[UploadedFile, File()]) -> Status[dict[str, object]]:
    """PNG, JPEG or WebP, of 30 MB and 50 megapixels at most. It is kept for a day after its last use."""
    assert isinstance(request.user, User)  # noqa: S101  the API's authentication has made sure
    rate_limit.take(request.user.pk)
    return Status(201, _as_json(services.take_input(user=request.user, file=file)))


@router.get("inputs/{uuid:pk}", response=InputOut, summary="One input")
def get_input(request: HttpRequest, pk: UUID) -> dict[str, object]:
    return _as_json(get_object_or_404(Input.objects.visible_to(request.user), pk=pk))


@router.get("inputs/{uuid:pk}/file", url_name="input_file", summary="The picture as it is kept: a PNG")
def input_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    kept = get_object_or_404(Input.objects.visible_to(request.user), pk=pk)
    return send(request, kept.file, content_type="image/png", filename=f"{kept.pk}.png")
