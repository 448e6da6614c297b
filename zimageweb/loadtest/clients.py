"""One person of a load test: asks over HTTP, waits by WebSocket, fetches the picture and looks whether it is one.

As the page does, the client believes its socket, comes back when that is lost, and asks the API when it hears nothing.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import PIL.Image
from django.conf import settings
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

_OVER = {"succeeded", "failed", "cancelled"}
_SIGNED_OUT = 4401
_SILENCE = 40.0  # seconds; the site says something at least every 25
_WITHOUT_SOCKET = 2.0  # seconds between two questions to the API
_HTTP_SECONDS = 60.0
_WORDS = ("violet dusk", "still water", "a green hill", "white sand", "the blue hour", "red leaves", "a far shore")


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: a token for HTTP, and for the socket a browser's session, or the token where there is none."""

    name: str
    token: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    width: int = 256
    height: int = 256
    steps: int = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request. `seconds` pass from asking until the picture is there; None if it never was."""

    seconds: float | None = None
    drawing: float = 0.0  # seconds in the engine, as the worker measured them
    failure: str = ""
    by_socket: bool = False  # else the end was learnt from the API


class Refused(Exception):
    """The site did not give what was asked for; `str()` says what it answered."""


class Client:
    """One person's connection to the site at `url`, which has no path."""

    def __init__(self, url: str, person: Person, secure: ssl.SSLContext | None) -> None:
        self._known: dict[int, dict[str, Any]] = {}
        self._news = asyncio.Event()
        self._hears = asyncio.Event()
        self._heard_at = 0.0
        site = urlsplit(url)
        self._socket_url = f"{'wss' if site.scheme == 'https' else 'ws'}://{site.netloc}/ws/generations/"
        self._origin, self._secure = url, secure
        self._bearer = {"Authorization": f"Bearer {person.token}"}
        self._cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={person.session}"} if person.session else {}
        self._http = httpx.AsyncClient(
            base_url=url, headers=self._bearer, timeout=_HTTP_SECONDS, trust_env=False, verify=secure or True
        )
        self._listening: asyncio.Task[None] | None = None

    # -- the socket ---------------------------------------------------------------------------------------------------

    async def arrive(self, seconds: float) -> bool:
        """Open the live connection; whether the snapshot came in time. Without it the API has to do."""
        self._listening = asyncio.create_task(self._listen())
        try:
            async with asyncio.timeout(seconds):
                await self._hears.wait()
        except TimeoutError:
            return False
        return True

    async def leave(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._http.aclose()

    async def _listen(self) -> None:
        while True:
            try:
                async with connect(
                    self._socket_url,
                    origin=self._origin,  # type: ignore[arg-type]
                    additional_headers=self._cookie or self._bearer,
                    ssl=self._secure,
                    proxy=None,
                    open_timeout=_HTTP_SECONDS,
                    max_size=None,
                ) as socket:
                    async for text in socket:
                        self._take(json.loads(text))
                    if socket.close_code == _SIGNED_OUT:
                        return
            except (OSError, WebSocketException):
                pass  # as the page does, it comes back
            self._hears.clear()
            await asyncio.sleep(0.25 + random.random())  # noqa: S311  so that not all come back at once

    def _take(self, message: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        rows = message["generations"] if message["type"] == "snapshot" else [message.get("generation")]
        for row in filter(None, rows):
            known = self._known.get(row["id"])
            if known is None or row["seq"] > known["seq"]:
                self._known[row["id"]] = row
        self._hears.set()
        self._news.set()

    # -- the picture --------------------------------------------------------------------------------------------------

    async def draw(self, wish: Wish) -> Answer:
        """Ask for one picture and see it."""
        began = time.monotonic()
        doing = "asking"
        try:
            row = await self._ask(wish)
            doing = "waiting"
            row, by_socket = await self._end_of(row["id"])
            if row["state"] != "succeeded" or not row["image"]:
                raise Refused(f"{row['state']}: {row['error_code'] or 'no picture'}")
            doing = "fetching the picture"
            await self._look_at(row["image"]["file"], wish)
        except Refused as reason:
            return Answer(failure=str(reason))
        except httpx.HTTPError as error:
            return Answer(failure=f"{doing}: {type(error).__name__}")
        return Answer(time.monotonic() - began, row["image"]["seconds"] or 0.0, by_socket=by_socket)

    async def give_up(self) -> None:
        """Take back what is still waited for, so that it is not drawn for nobody."""
        try:
            await self._http.post("/api/v1/generations/cancel")
        except httpx.HTTPError:
            return

    async def workers(self) -> dict[str, Any]:
        """What the site says of its workers; their processes only to those who are signed in."""
        found: dict[str, Any] = (await self._http.get("/health/workers", headers=self._cookie)).json()
        return found

    async def _ask(self, wish: Wish) -> dict[str, Any]:
        prompt = ", ".join(random.sample(_WORDS, 3))
        size = {"width": wish.width, "height": wish.height, "steps": wish.steps}
        answer = await self._http.post("/api/v1/generations", json={"prompt": prompt, **size})
        if answer.status_code != 201:
            raise Refused(f"asking was answered {_in_words(answer)}")
        row: dict[str, Any] = answer.json()["generations"][0]
        return row

    async def _end_of(self, pk: int) -> tuple[dict[str, Any], bool]:
        """The finished row, and whether the socket told of it."""
        while True:
            row = self._known.get(pk)
            if row is not None and row["state"] in _OVER:
                return row, True
            self._news.clear()
            patience = self._heard_at + _SILENCE - time.monotonic() if self._hears.is_set() else _WITHOUT_SOCKET
            try:
                async with asyncio.timeout(max(0.1, patience)):
                    await self._news.wait()
            except TimeoutError:
                self._heard_at = time.monotonic()
                answer = await self._http.get(f"/api/v1/generations/{pk}")
                if answer.status_code == 200 and answer.json()["state"] in _OVER:
                    return answer.json(), False

    async def _look_at(self, path: str, wish: Wish) -> None:
        answer = await self._http.get(path)
        if answer.status_code != 200:
            raise Refused(f"the picture was answered {_in_words(answer)}")
        try:
            with PIL.Image.open(io.BytesIO(answer.content)) as picture:
                picture.load()
                found = (picture.format, picture.size)
        except (OSError, ValueError, SyntaxError) as error:
            raise Refused("the answer is not a picture") from error
        if found != ("PNG", (wish.width, wish.height)):
            raise Refused(f"the answer is a {found[0]} of {found[1][0]}x{found[1][1]}")


def _in_words(answer: httpx.Response) -> str:
    """`429 rate_limited`, or the bare number where the answer is no problem document."""
    try:
        code = answer.json()["code"]
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
    return f"{answer.status_code} {code}"
