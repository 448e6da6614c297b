"""`/v1/images/generations` and `/v1/models` in the shapes of OpenAI's API, for programs that speak only those.

Errors are our problem documents with OpenAI's `error` object beside: its clients show the sentence in there.
"""

from __future__ import annotations

import json
import time
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from pydantic import Field

from generation import catalogue, matrix, rate_limit, waiting
from generation.exceptions import FieldError, InvalidParameters
from generation.models import Generation
from generation.parameters import Parameters
from generation.schemas import Integer
from zimageweb import problems
from zimageweb.credentials import BearerToken
from zimageweb.gradio import png


class _Api(NinjaAPI):
    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        response = super().on_exception(request, exc)
        body = json.loads(response.content)
        first: dict[str, Any] = next(iter(body.get("errors", ())), {})
        kind = "invalid_request_error" if response.status_code < 500 else "server_error"
        body["error"] = {
            "message": body["detail"],
            "type": kind,
            "param": first.get("field"),
            "code": body["code"],
        }
        response.content = json.dumps(body).encode()
        return response


api = _Api(urls_namespace="openai", auth=BearerToken(), docs_url=None, openapi_url=None)
problems.register(api)


class ImageRequest(Schema):
    """OpenAI's request. The model is the one that is loaded, whatever name a program sends; further fields are not
    looked at."""

    prompt: str
    n: Integer | None = 1
    size: str | None = Field(None, max_length=20)
    # A picture's address opens only with its owner's token: most programs that show pictures would fail on it.
    response_format: Literal["b64_json", "url"] | None = "b64_json"


def _size(size: str | None) -> tuple[int | None, int | None]:
    """`1024x768` as width and height; None for the model's own size."""
    if size in (None, "", "auto"):
        return None, None
    width, _by, height = str(size).lower().partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise InvalidParameters([FieldError("size", _("Give the size as width and height: 1024x1024."))])
    return int(width), int(height)


def _prepared(user: User, wanted: ImageRequest) -> Parameters:
    rate_limit.take(user.pk)
    width, height = _size(wanted.size)
    count = 1 if wanted.n is None else wanted.n
    prompt = matrix.escaped(wanted.prompt)  # whoever asks for n pictures gets n
    return Parameters.checked(catalogue.current_model(), prompt=prompt, width=width, height=height, count=count)


def _answer(rows: list[Generation], response_format: str | None) -> HttpResponse:
    def entry(row: Generation) -> dict[str, str]:
        if response_format == "url" and row.image:
            return {"url": settings.SITE_URL + row.image.file_url}
        return {"b64_json": png(row)}

    return JsonResponse({"created": int(time.time()), "data": [entry(row) for row in rows]})


@api.post("images/generations")
async def generate(request: HttpRequest, wanted: ImageRequest) -> HttpResponse:
    user: User = request.auth  # type: ignore[attr-defined]
    parameters = await sync_to_async(_prepared)(user, wanted)
    rows = await waiting.drawn(user=user, parameters=parameters, seconds=settings.PREDICT_TIMEOUT_SECONDS)
    return await sync_to_async(_answer)(rows, wanted.response_format)


@api.get("models")
def models(request: HttpRequest) -> dict[str, Any]:
    model = {"id": catalogue.current_model().name, "object": "model", "created": 0, "owned_by": settings.SITE_NAME}
    return {"object": "list", "data": [model]}
