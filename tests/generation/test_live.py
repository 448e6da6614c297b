"""The WebSocket, through the real ASGI application and the real Redis: one's own events only, and truth on connect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from gallery import services as gallery
from generation import services, ticker
from generation.models import Failure, Generation, Worker
from tests.factories import make_image
from zimageweb.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]


class Page:
    """One browser page's live connection."""

    def __init__(self, socket: WebsocketCommunicator) -> None:
        self.socket = socket

    async def read(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these kinds."""
        async with asyncio.timeout(10):
            while True:
                message = await self.socket.receive_json_from(timeout=10)
                if message["type"] in kinds:
                    return dict(message)

    async def closed(self) -> int:
        async with asyncio.timeout(10):
            while (message := await self.socket.receive_output(timeout=10))["type"] != "websocket.close":
                pass
            return int(message["code"])


@asynccontextmanager
async def page(
    client: Client | None = None, origin: str = "http://localhost", language: str = "en"
) -> AsyncIterator[Page]:
    headers = [(b"origin", origin.encode()), (b"host", b"localhost"), (b"accept-language", language.encode())]
    if client is not None:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}".encode()))
    socket = WebsocketCommunicator(application, "/ws/generations/", headers=headers)
    connected, _ = await socket.connect(timeout=10)
    assert connected
    try:
        yield Page(socket)
    finally:
        await socket.disconnect(timeout=10)


async def test_a_page_starts_with_a_snapshot(as_alice: Client, alice: User, bob: User, ask: Ask) -> None:
    (row,) = await sync_to_async(ask)(alice)
    await sync_to_async(ask)(bob)
    async with page(as_alice) as tab:
        message = await tab.read("snapshot")
    assert [generation["id"] for generation in message["generations"]] == [row.pk]
    assert message["seq"] == message["generations"][0]["seq"]
    assert message["generations"][0]["position"] == 1
    assert message["usage"]["day"]["used"] == 1
    workers = {"ready": 0, "loading": 0, "progress": 0, "message": ""}
    assert message["queue"] == {"length": 2, "workers": workers, "pace": None}


async def test_every_tab_hears_each_change_and_only_ones_own(
    as_alice: Client, alice: User, bob: User, ask: Ask
) -> None:
    async with page(as_alice) as tab, page(as_alice) as phone:
        first = await tab.read("snapshot")
        await phone.read("snapshot")
        await sync_to_async(ask)(bob)
        (row,) = await sync_to_async(ask)(alice)
        for device in (tab, phone):
            message = await device.read("generation")
            assert message["generation"]["id"] == row.pk
            assert message["seq"] > first["seq"]
            assert (await device.read("usage"))["usage"]["day"]["used"] == 1


async def test_a_picture_is_followed_from_the_queue_to_its_end(as_alice: Client, alice: User, ask: Ask) -> None:
    async with page(as_alice) as tab:
        await tab.read("snapshot")
        await sync_to_async(ask)(alice)
        (row,) = await sync_to_async(services.start)(worker="w", most=1)
        await sync_to_async(services.record_step)(rows=[row], step=2)
        await sync_to_async(services.cancel)(generation=row)
        await sync_to_async(services.settle_cancelled)(row=row)
        seen = [(await tab.read("generation"))["generation"] for _ in range(5)]
    assert [item["state"] for item in seen] == ["queued", "running", "running", "running", "cancelled"]
    assert seen[2]["step"] == 2
    assert seen[3]["cancel_requested"]
    seqs = [item["seq"] for item in seen]
    assert seqs == sorted(set(seqs))


async def test_places_in_line_are_told_when_they_change(as_alice: Client, alice: User, bob: User, ask: Ask) -> None:
    (his,) = await sync_to_async(ask)(bob)
    (hers,) = await sync_to_async(ask)(alice)
    async with page(as_alice) as tab:
        first = await tab.read("queue")
        assert first["positions"][str(hers.pk)]["position"] == 2
        assert str(his.pk) not in first["positions"]
        await sync_to_async(services.cancel)(generation=his)
        second = await tab.read("queue")
    assert second["positions"][str(hers.pk)]["position"] == 1
    assert second["length"] == 1


async def test_a_worker_that_leaves_is_the_reason_for_a_later_end(as_alice: Client, alice: User, ask: Ask) -> None:
    *_, last = await sync_to_async(ask)(alice, 4)
    for name in ("w1", "w2"):
        await Worker.objects.acreate(name=name, state=Worker.State.IDLE, seconds_per_cost=10 / last.cost)
    async with page(as_alice) as tab:
        before = (await tab.read("queue"))["positions"][str(last.pk)]
        await Worker.objects.filter(name="w2").aupdate(state=Worker.State.STOPPED)
        after = (await tab.read("queue"))["positions"][str(last.pk)]
    assert (before["position"], before["eta_seconds"], before["delay"]) == (4, pytest.approx(20, abs=1), None)
    assert (after["position"], after["eta_seconds"], after["delay"]) == (4, pytest.approx(40, abs=1), "worker_left")


async def test_a_stranger_is_told_so_and_closed() -> None:
    async with page() as tab:
        assert await tab.closed() == 4401


async def test_without_redis_a_page_has_its_snapshot_and_is_asked_to_come_again(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_channel_layer(), "group_add", mock.AsyncMock(side_effect=RedisConnectionError("away")))
    async with page(as_alice) as tab:
        await tab.read("snapshot")
        assert await tab.closed() == 4013, "one of the codes that a server may send"


async def test_signing_out_closes_the_sessions_pages(as_alice: Client, alice: User) -> None:
    other = Client()
    await sync_to_async(other.force_login)(alice)
    async with page(as_alice) as tab, page(other) as elsewhere:
        await tab.read("snapshot")
        await elsewhere.read("snapshot")
        await sync_to_async(as_alice.logout)()
        assert await tab.closed() == 4401
        assert (await elsewhere.read("queue"))["length"] == 0, "the other session goes on"


async def test_a_changed_password_or_a_closed_account_ends_live_pages(alice: User, bob: User) -> None:
    def sessions() -> dict[str, int | None]:
        keys: dict[str, int | None] = {}
        for user in (alice, bob):
            client = Client()
            client.force_login(user)
            keys[str(client.session.session_key)] = user.pk
        return keys

    keys = await sync_to_async(sessions)()
    hers, his = keys
    assert await ticker._read_alive_sessions(keys) == {hers, his}
    alice.set_password("another")
    await sync_to_async(alice.save)()
    assert await ticker._read_alive_sessions(keys) == {his}
    await sync_to_async(User.objects.filter(pk=bob.pk).update)(is_active=False)
    assert await ticker._read_alive_sessions(keys) == set()


async def test_a_picture_deleted_in_one_tab_leaves_the_others(as_alice: Client, alice: User) -> None:
    image = await sync_to_async(make_image)(alice)
    async with page(as_alice) as tab:
        await tab.read("snapshot")
        await sync_to_async(as_alice.delete)(f"/api/v1/images/{image.pk}")
        assert (await tab.read("images"))["deleted"] == [str(image.pk)]
        await sync_to_async(gallery.restore)(user=alice, ids=[image.pk])
        assert (await tab.read("images"))["restored"] == [str(image.pk)]


async def test_a_heart_given_in_one_tab_is_told_to_the_others(as_alice: Client, alice: User) -> None:
    image = await sync_to_async(make_image)(alice)
    async with page(as_alice) as tab:
        await tab.read("snapshot")
        await sync_to_async(gallery.set_favourite)(user=alice, ids=[image.pk], favourite=True)
        told = await tab.read("favourites")
        assert (told["ids"], told["favourite"]) == ([str(image.pk)], True)


async def test_a_page_of_another_site_is_refused(as_alice: Client) -> None:
    headers = [
        (b"origin", b"https://evil.example"),
        (b"host", b"localhost"),
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={as_alice.session.session_key}".encode()),
    ]
    socket = WebsocketCommunicator(application, "/ws/generations/", headers=headers)
    connected, _ = await socket.connect(timeout=10)
    assert not connected


async def test_what_a_page_sends_is_not_listened_to(as_alice: Client, alice: User, ask: Ask) -> None:
    async with page(as_alice) as tab:
        await tab.read("snapshot")
        for text in ("not json", '{"type": "push", "payload": {}}', "[" * 10_000):
            await tab.socket.send_to(text_data=text)
        await sync_to_async(ask)(alice)
        assert (await tab.read("generation"))["generation"]["state"] == "queued"


async def test_a_failure_is_told_in_the_readers_language(as_alice: Client, alice: User, ask: Ask) -> None:
    await sync_to_async(ask)(alice)
    async with page(as_alice) as english, page(as_alice, language="zh-CN,zh;q=0.9") as chinese:
        for tab in (english, chinese):
            await tab.read("snapshot")
        (row,) = await sync_to_async(services.start)(worker="w", most=1)
        await sync_to_async(services.fail)(row=row, failure=Failure.OUT_OF_MEMORY)
        for tab, words in ((english, "out of memory"), (chinese, "内存不足")):
            while (told := (await tab.read("generation"))["generation"])["state"] != "failed":
                pass
            assert words in told["error"]
    async with page(as_alice, language="zh-CN,zh;q=0.9") as later:
        assert "内存不足" in (await later.read("snapshot"))["generations"][0]["error"]
