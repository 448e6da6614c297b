"""`POST /api/predict/`: what it takes, and that nobody draws for a caller who has gone.

The whole ASGI application, the real Redis and database; a worker's part is played by the verbs that workers call.
tests/site/test_predict_with_worker.py has real ones.
"""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import PIL.Image
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connections
from django.test import Client
from pytest_django import Settings

from generation import services, waiting
from generation.models import Failure, Generation, Quota
from tests.site.asking import Answer, Call, asked, draw, post, with_token
from zimageweb.environment import Rate
from zimageweb.models import ApiToken

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/predict/"
FOX = {"data": ["a red fox", 64, 96, 4, 0]}


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
async def no_connection_left() -> AsyncIterator[None]:
    """Of the thread in which `sync_to_async` runs what a test itself does."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def token(alice: User) -> dict[str, str]:
    return with_token(ApiToken.issue(alice))


@pytest.fixture
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """For waits that begin after this: one under way has already looked at the clock."""
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.2)


@pytest.fixture
async def waits(token: dict[str, str]) -> AsyncIterator[Call]:
    """Alice's program waits for a picture that is in line."""
    call = await Call(PATH, FOX, **token).send()
    await asked()
    yield call


async def row() -> Generation:
    return await Generation.objects.aget()


def pixels(answer: Answer) -> PIL.Image.Image:
    (url,) = answer.json()["data"]
    start, _, content = url.partition(",")
    assert start == "data:image/png;base64"
    return PIL.Image.open(io.BytesIO(base64.b64decode(content)))


# -- the picture ------------------------------------------------------------------------------------------------------


async def test_the_answer_is_the_picture_as_soon_as_it_is_drawn(waits: Call) -> None:
    began = time.monotonic()
    await sync_to_async(draw)()
    answer = await waits.answer()
    assert time.monotonic() - began < waiting._LOOK_SECONDS / 2, "the event says it, not a look at the database"
    assert answer.status == 200
    assert pixels(answer).size == (64, 96)
    found = await row()
    assert (found.prompt, found.steps, found.guidance, found.state) == ("a red fox", 4, 0.0, "succeeded")


@pytest.mark.parametrize("data", [["a red fox"], ["a red fox", None, None, None, None], ["a red fox", 1024.0]])
async def test_what_is_left_out_is_the_models_own(token: dict[str, str], data: list[Any]) -> None:
    call = await Call(PATH, {"data": data, "fn_index": 0, "session_hash": "x"}, **token).send()
    (found,) = await asked()
    assert (found.width, found.height, found.steps, found.guidance) == (1024, 1024, 8, 0.0)
    await call.hang_up()


async def test_one_call_is_one_picture_whatever_the_braces(token: dict[str, str]) -> None:
    call = await Call(PATH, {"data": ["a {red|blue} fox"]}, **token).send()
    assert [found.prompt for found in await asked()] == ["a {red|blue} fox"]
    await call.hang_up()


async def test_an_address_without_the_last_slash_does_too(token: dict[str, str]) -> None:
    call = await Call(PATH.rstrip("/"), FOX, **token).send()
    await asked()
    await call.hang_up()


async def test_without_live_events_it_looks_now_and_then(
    token: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "user_group", lambda user_id: "somebody.else")
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.2)
    call = await Call(PATH, FOX, **token).send()
    await asked()
    await sync_to_async(draw)()
    assert (await call.answer()).status == 200


async def test_while_redis_is_away_it_still_answers(
    token: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Away:
        async def new_channel(self) -> str:
            raise ConnectionRefusedError("Redis is away")

    monkeypatch.setattr(waiting, "get_channel_layer", Away)
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.2)
    call = await Call(PATH, FOX, **token).send()
    await asked()
    await sync_to_async(draw)()
    assert (await call.answer()).status == 200
    assert "Redis is away" in caplog.text


@pytest.mark.database
async def test_many_wait_without_a_thread_for_each(token: dict[str, str]) -> None:
    before = threading.active_count()
    calls = [await Call(PATH, FOX, **token).send() for _ in range(30)]
    await asked(count=30)
    assert threading.active_count() - before < 15, "they share a few threads"
    for _ in calls:
        await sync_to_async(draw)()
    answers = [await call.answer() for call in calls]
    assert [answer.status for answer in answers] == [200] * 30


# -- other endings ----------------------------------------------------------------------------------------------------


async def test_a_failure_is_502_and_says_why(waits: Call) -> None:
    def fail() -> None:
        (found,) = services.start(worker="w", most=1)
        services.fail(row=found, failure=Failure.OUT_OF_MEMORY)

    await sync_to_async(fail)()
    answer = await waits.answer()
    body = answer.json()
    assert (answer.status, answer.headers["content-type"]) == (502, "application/problem+json")
    assert (body["code"], body["failure"]) == ("generation_failed", "out_of_memory")
    assert "out of memory" in body["detail"]
    assert body["generations"] == [(await row()).pk]


async def test_one_that_is_cancelled_elsewhere_is_409(waits: Call, alice: User) -> None:
    await sync_to_async(services.cancel_all)(user=alice)
    answer = await waits.answer()
    assert (answer.status, answer.json()["code"]) == (409, "generation_cancelled")


@pytest.mark.usefixtures("short_looks")
async def test_an_account_that_is_deleted_meanwhile_ends_the_wait(waits: Call, alice: User) -> None:
    await sync_to_async(alice.delete)()
    assert (await waits.answer()).status == 409


async def test_after_the_time_out_what_still_waits_is_taken_out_of_the_line(
    token: dict[str, str], settings: Settings
) -> None:
    settings.PREDICT_TIMEOUT_SECONDS = 1
    answer = await post(PATH, FOX, **token)
    body = answer.json()
    found = await row()
    assert (answer.status, body["code"], body["state"]) == (504, "not_drawn_in_time", "cancelled")
    assert body["generations"] == [found.pk]
    assert (found.state, found.charged) == ("cancelled", False)


async def test_after_the_time_out_what_is_being_drawn_is_drawn_to_the_end(
    token: dict[str, str], settings: Settings
) -> None:
    settings.PREDICT_TIMEOUT_SECONDS = 1
    call = await Call(PATH, FOX, **token).send()
    await asked()
    await sync_to_async(services.start)(worker="w", most=1)
    body = (await call.answer()).json()
    assert (body["status"], body["state"]) == (504, "running")
    assert "gallery" in body["detail"]
    assert not (await row()).cancel_requested


@pytest.mark.database
async def test_a_caller_who_goes_takes_the_place_in_line_along(waits: Call) -> None:
    await waits.hang_up()
    found = await row()
    assert (found.state, found.charged) == ("cancelled", False)


async def test_a_caller_who_goes_stops_the_drawing(waits: Call) -> None:
    await sync_to_async(services.start)(worker="w", most=1)
    await waits.hang_up()
    assert (await row()).cancel_requested


@pytest.mark.database
async def test_a_caller_who_goes_while_the_picture_is_being_asked_for_leaves_nothing_behind(
    token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    submit = services.submit

    def slowly(**words: Any) -> services.Submission:
        begun.set()
        assert go_on.wait(10)
        return submit(**words)

    monkeypatch.setattr(waiting.services, "submit", slowly)
    call = await Call(PATH, FOX, **token).send()
    assert await sync_to_async(begun.wait, thread_sensitive=False)(10)
    await call._wire.send_input({"type": "http.disconnect"})
    go_on.set()
    await call._wire.wait(timeout=10)
    assert (await row()).state == "cancelled"


async def test_nobody_listens_on_after_the_answer(waits: Call) -> None:
    layer = waiting.get_channel_layer()._get_layer()
    assert layer.channels
    await sync_to_async(draw)()
    await waits.answer()
    assert (layer.channels, layer.groups) == ({}, {})


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ([""], "prompt"),
        ([None], "prompt"),
        ([7], "prompt"),
        (["a red fox", 65], "width"),
        (["a red fox", 64, "tall"], "height"),
        (["a red fox", 64, 64, 0], "steps"),
        (["a red fox", 64, 64, True], "steps"),
        (["a red fox", 64, 64, 4, 1e9], "guidance"),
        ([], "data"),
        (["a red fox", 64, 64, 4, 0, "more"], "data"),
        ("a red fox", "data"),
    ],
)
async def test_bad_items_are_422_and_named(token: dict[str, str], data: Any, field: str) -> None:
    answer = await post(PATH, {"data": data}, **token)
    body = answer.json()
    assert (answer.status, body["code"]) == (422, "invalid")
    assert [error["field"] for error in body["errors"]] == [field]


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[1]", b"\xff"])
async def test_what_is_no_json_object_is_422(token: dict[str, str], content: bytes) -> None:
    answer = await post(PATH, content, **token)
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_quota_and_rate_are_the_same_refusals_as_elsewhere(
    token: dict[str, str], alice: User, settings: Settings
) -> None:
    await Quota.objects.acreate(user=alice, pictures_per_day=0)
    answer = await post(PATH, FOX, **token)
    assert (answer.status, answer.json()["code"]) == (429, "quota_exceeded")
    settings.RATE_LIMIT = Rate(1 / 3_600, 1)
    await post(PATH, FOX, **token)
    answer = await post(PATH, FOX, **token)
    assert (answer.status, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 3_000
    assert not await Generation.objects.aexists()


def test_only_post_is_answered() -> None:
    assert Client().get(PATH).status_code == 405
