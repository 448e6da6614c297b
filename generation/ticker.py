"""Once a second, for all sockets of this process together: places in line, the state of the workers, lost sessions.

The queue is read once, whatever the number of sockets, and each page is told only what has changed for its person.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from itertools import chain
from typing import Any, Protocol

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import translation

from generation import places, snapshot
from generation.promises import Promise, Promises

logger = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_HEAD_EVERY = 25  # ticks
_SESSIONS_EVERY = 60


class Socket(Protocol):
    """What the ticker needs of a live connection."""

    user_id: int | None
    session_key: str | None
    recheck: Callable[[], bool] | None

    async def send_json(self, content: Any, close: bool = False) -> None: ...

    async def sign_out(self, message: dict[str, Any]) -> None: ...


class _Ticker:
    """The sockets of one event loop and the task that serves them; the task lives as long as there are any."""

    def __init__(self) -> None:
        self.sockets: dict[int, set[Socket]] = defaultdict(set)
        self._told: dict[int, tuple[dict[int, Promise], dict[str, Any]]] = {}
        self._promises = Promises()
        self._task: asyncio.Task[None] | None = None

    def join(self, socket: Socket) -> None:
        assert socket.user_id is not None  # noqa: S101
        self.sockets[socket.user_id].add(socket)
        self._told.pop(socket.user_id, None)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def leave(self, socket: Socket) -> None:
        if socket.user_id is None:
            return
        group = self.sockets.get(socket.user_id, set())
        group.discard(socket)
        if not group:
            self.sockets.pop(socket.user_id, None)
            self._told.pop(socket.user_id, None)

    async def _run(self) -> None:
        tick = 0
        while self.sockets:
            tick += 1
            try:
                await self._tell_places()
                if tick % _HEAD_EVERY == 0:
                    await self._tell_heads()
                if tick % _SESSIONS_EVERY == 0:
                    await self._close_lost_sessions()
            except DatabaseError as error:
                logger.warning("The queue cannot be read (%s); pages keep what they know.", error)
            await asyncio.sleep(_TICK_SECONDS)

    async def _tell_places(self) -> None:
        state, promises = await _read_promises(set(self.sockets), self._promises)
        for user_id in list(self.sockets):
            mine = promises.get(user_id, {})
            if self._told.get(user_id) != (mine, state):
                self._told[user_id] = (mine, state)
                now = time.monotonic()
                positions = {str(pk): promise.as_json(now) for pk, promise in mine.items()}
                await self._send(user_id, {"type": "queue", "positions": positions, **state})

    async def _tell_heads(self) -> None:
        heads = await _read_heads(set(self.sockets))
        for user_id, seq in heads.items():
            await self._send(user_id, {"type": "head", "seq": seq})

    async def _close_lost_sessions(self) -> None:
        everyone = [socket for group in self.sockets.values() for socket in group]
        rechecks = {socket: socket.recheck for socket in everyone if socket.recheck}
        keys = {socket.session_key: socket.user_id for socket in everyone if socket.session_key}
        alive = await _read_alive_sessions(keys)
        allowed = await _in_own_thread(lambda: {socket for socket, recheck in rechecks.items() if recheck()})
        for socket in everyone:
            if socket not in allowed and (socket in rechecks or socket.session_key not in alive):
                await socket.sign_out({"session_key": None})

    async def _send(self, user_id: int, message: dict[str, Any]) -> None:
        for socket in list(self.sockets.get(user_id, ())):
            try:
                await socket.send_json(message)
            except Exception:
                # Whatever is wrong with one connection must not stop the ticks of the others.
                logger.debug("A socket of user %s could not be written to.", user_id, exc_info=True)
                self.leave(socket)


_tickers: dict[asyncio.AbstractEventLoop, _Ticker] = {}


def join(socket: Socket) -> None:
    """Serve this socket from now on."""
    loop = asyncio.get_running_loop()
    for other in [known for known in _tickers if known.is_closed()]:
        del _tickers[other]
    _tickers.setdefault(loop, _Ticker()).join(socket)


def leave(socket: Socket) -> None:
    """Serve this socket no longer; harmless when it never joined."""
    if ticker := _tickers.get(asyncio.get_running_loop()):
        ticker.leave(socket)


# Reads run in threads of their own: the thread that Channels keeps for synchronous code is one for the whole process.


async def read_snapshot(user: User, language: str) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        with translation.override(language):
            return snapshot.snapshot(user)

    found: dict[str, Any] = await _in_own_thread(read)
    return found


async def _in_own_thread(function: Any, *args: Any) -> Any:
    return await database_sync_to_async(function, thread_sensitive=False)(*args)


async def _read_promises(
    user_ids: set[int], promises: Promises
) -> tuple[dict[str, Any], dict[int, dict[int, Promise]]]:
    """How the queue is, and what to say of their places to these people, by person and row."""

    def read() -> tuple[dict[str, Any], dict[int, dict[int, Promise]]]:
        line = places.read_line()
        found = line.of(user_ids)
        made = promises.renew(line, chain.from_iterable(found.values()), time.monotonic())
        mine = {user_id: {place.id: made[place.id] for place in theirs} for user_id, theirs in found.items()}
        return snapshot.queue_state(line), mine

    found: tuple[dict[str, Any], dict[int, dict[int, Promise]]] = await _in_own_thread(read)
    return found


async def _read_heads(user_ids: set[int]) -> dict[int, int]:
    found: dict[int, int] = await _in_own_thread(lambda: {user_id: snapshot.head(user_id) for user_id in user_ids})
    return found


async def _read_alive_sessions(keys: dict[str, int | None]) -> set[str]:
    """Those sessions that still belong to the same active person."""
    store = import_module(settings.SESSION_ENGINE).SessionStore

    def read() -> set[str]:
        people = User.objects.filter(pk__in=set(keys.values()), is_active=True).in_bulk()
        alive = set()
        for key, user_id in keys.items():
            person = people.get(user_id)
            # A changed password ends the person's other sessions by this hash; their rows stay in the store.
            if person and store(key).load().get(HASH_SESSION_KEY) == person.get_session_auth_hash():
                alive.add(key)
        return alive

    found: set[str] = await _in_own_thread(read)
    return found
