"""The shapes of OpenAI's API, as its clients send and read them."""

from __future__ import annotations

import base64
import io
from typing import Any

import PIL.Image
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from generation.models import Generation
from tests.site.asking import Answer, Call, asked, draw, post, with_password, with_token
from zimageweb.models import ApiToken

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/images/generations"
FOX = {"model": "gpt-image-1", "prompt": "a red fox", "size": "96x64", "n": 1, "quality": "high", "user": "x"}


@pytest.fixture
def token(alice: User) -> dict[str, str]:
    return with_token(ApiToken.issue(alice))


async def drawn(token: dict[str, str], body: dict[str, Any]) -> Answer:
    from asgiref.sync import sync_to_async

    call = await Call(PATH, body, **token).send()
    for _ in await asked(count=body.get("n") or 1):
        await sync_to_async(draw)()
    return await call.answer()


async def test_pictures_come_in_base64(token: dict[str, str]) -> None:
    answer = await drawn(token, FOX | {"n": 3})
    body = answer.json()
    assert answer.status == 200
    assert body["created"] > 1_700_000_000
    assert len(body["data"]) == 3
    sizes = {PIL.Image.open(io.BytesIO(base64.b64decode(each["b64_json"]))).size for each in body["data"]}
    assert sizes == {(96, 64)}


async def test_or_as_addresses_that_open_with_the_token(token: dict[str, str]) -> None:
    answer = await drawn(token, FOX | {"response_format": "url"})
    (entry,) = answer.json()["data"]
    assert entry["url"].startswith("http://localhost:7860/api/v1/images/")


@pytest.mark.parametrize("size", [None, "auto", ""])
async def test_without_a_size_it_is_the_models_own(token: dict[str, str], size: str | None) -> None:
    call = await Call(PATH, {"prompt": "a red fox", "size": size, "n": None}, **token).send()
    ((row),) = await asked()
    assert (row.width, row.height) == (1024, 1024)
    await call.hang_up()


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"size": "big"}, "size"),
        ({"size": "65x64"}, "width"),
        ({"n": 50}, "count"),
        ({"response_format": "gif"}, "response_format"),
    ],
)
async def test_refusals_carry_what_its_clients_read(token: dict[str, str], changes: dict[str, Any], param: str) -> None:
    answer = await post(PATH, FOX | changes, **token)
    error = answer.json()["error"]
    assert answer.status == 422
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "invalid", param)
    assert error["message"] == answer.json()["detail"]
    assert not await Generation.objects.aexists()


async def test_only_tokens_open_it(alice: User) -> None:
    for headers in ({}, with_token("nonsense"), with_password("alice", "pw-of-alice")):
        answer = await post(PATH, FOX, **headers)
        assert (answer.status, answer.json()["error"]["code"]) == (401, "not_authenticated")


async def test_braces_ask_for_no_combinations(token: dict[str, str], settings: Settings) -> None:
    settings.PREDICT_TIMEOUT_SECONDS = 0
    await post(PATH, FOX | {"prompt": "a {red|blue} fox", "n": 1}, **token)
    assert [row.prompt async for row in Generation.objects.all()] == ["a {red|blue} fox"]


async def test_after_the_time_out_it_is_504(token: dict[str, str], settings: Settings) -> None:
    settings.PREDICT_TIMEOUT_SECONDS = 0
    answer = await post(PATH, FOX | {"n": 2}, **token)
    assert (answer.status, answer.json()["error"]["type"]) == (504, "server_error")
    assert {row.state async for row in Generation.objects.all()} == {"cancelled"}


def test_the_model_is_listed(token: dict[str, str]) -> None:
    listed = Client().get("/v1/models", headers=token).json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["Z-Image-Turbo"]
    assert Client().get("/v1/models").status_code == 401


def test_what_is_not_there_is_404_as_a_problem(token: dict[str, str]) -> None:
    answer = Client().get("/v1/chat/completions", headers=token)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
