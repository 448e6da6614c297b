"""`POST /api/predict/`: the call of a Gradio page, for programs that were written for one. It waits for the picture.

No session opens it, so it needs no CSRF token: an API token or a name and password does.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import ValidationError
from pydantic import Field
from pydantic import ValidationError as PydanticError

from generation import catalogue, matrix, rate_limit, waiting
from generation.models import Generation
from generation.parameters import Parameters
from generation.schemas import GenerationRequest
from zimageweb import problems
from zimageweb.credentials import BearerToken, NameAndPassword

_FIELDS = ("prompt", "width", "height", "steps", "guidance")

api = NinjaAPI(urls_namespace="gradio", auth=[BearerToken(), NameAndPassword()], docs_url=None, openapi_url=None)
problems.register(api, challenge='Bearer, Basic realm="Zimageweb", charset="UTF-8"')


class Call(Schema):
    """What a Gradio client sends; it also names a function and a session, which are nothing to us."""

    data: Annotated[list[Any], Field(min_length=1, max_length=len(_FIELDS))]

    def wanted(self) -> GenerationRequest:
        """The items by name; those left out or null are the model's defaults."""
        given = {name: item for name, item in zip(_FIELDS, self.data, strict=False) if item is not None}
        try:
            return GenerationRequest.model_validate(given)
        except PydanticError as error:
            found = error.errors(include_url=False)
            raise ValidationError([{**each, "loc": ("body", "call", *each["loc"])} for each in found]) from None


def _prepared(user: User, wanted: GenerationRequest) -> Parameters:
    rate_limit.take(user.pk)
    fields = wanted.model_dump(include=set(_FIELDS))
    fields["prompt"] = matrix.escaped(wanted.prompt)  # one call is one picture
    return Parameters.checked(catalogue.current_model(), **fields)


def png(row: Generation) -> str:
    """The finished picture as it was drawn, in base64."""
    assert row.image is not None  # noqa: S101  `waiting` has made sure
    with row.image.file.open("rb") as file:
        return base64.b64encode(file.read()).decode()


def _answer(rows: list[Generation]) -> HttpResponse:
    return JsonResponse({"data": [f"data:image/png;base64,{png(row)}" for row in rows]})


@api.post("predict/")
@api.post("predict", include_in_schema=False)
async def predict(request: HttpRequest, call: Call) -> HttpResponse:
    user: User = request.auth  # type: ignore[attr-defined]
    parameters = await sync_to_async(_prepared)(user, call.wanted())
    rows = await waiting.drawn(user=user, parameters=parameters, seconds=settings.PREDICT_TIMEOUT_SECONDS)
    return await sync_to_async(_answer)(rows)
