"""One HTTP request to the whole ASGI application, by a client that may go away."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator

from generation import services
from generation.models import Generation, State
from tests.factories import make_image
from zimageweb.asgi import application


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class Call:
    """A POST of JSON; `answer()` waits for what comes back, `hang_up()` does not."""

    def __init__(self, path: str, body: Any, **headers: str) -> None:
        found = {"host": "localhost", "content-type": "application/json", **headers}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in found.items()],
            "client": ("127.0.0.1", 40_000),
        }
        self._content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._wire = ApplicationCommunicator(application, scope)

    async def send(self) -> Call:
        await self._wire.send_input({"type": "http.request", "body": self._content})
        return self

    async def answer(self, seconds: float = 10.0) -> Answer:
        start = await self._wire.receive_output(timeout=seconds)
        content = b""
        while True:
            piece = await self._wire.receive_output(timeout=seconds)
            content += piece.get("body", b"")
            if not piece.get("more_body"):
                break
        await self._wire.wait(timeout=seconds)
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], headers, content)

    async def hang_up(self) -> None:
        await self._wire.send_input({"type": "http.disconnect"})
        await self._wire.wait(timeout=10)


async def post(path: str, body: Any, **headers: str) -> Answer:
    return await (await Call(path, body, **headers).send()).answer()


def with_token(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def with_password(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


async def asked(state: State = State.QUEUED, count: int = 1) -> list[Generation]:
    """The rows of a call under way, once they are there."""

    def read() -> list[Generation]:
        return list(Generation.objects.filter(state=state).order_by("pk"))

    async with asyncio.timeout(10):
        while len(rows := await sync_to_async(read)()) < count:
            await asyncio.sleep(0.01)
    return rows


def draw() -> None:
    """Do what a worker does with the next picture."""
    (row,) = services.start(worker="w", most=1)
    services.finish(row=row, store=lambda: make_image(row.user, width=row.width, height=row.height))
