"""WebSockets while planned work goes on: told so and closed with a code by which pages know to come back later.

Connections that are open when it begins are closed within a second; those of staff stay.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from weakref import WeakKeyDictionary

from zimageweb import maintenance
from zimageweb.sockets import Application, Scope

CLOSED = 4503  # as HTTP's 503; codes from 4000 on are ours to give a meaning
_LOOK_SECONDS = 1.0


class ClosedDuringMaintenance:
    """Stands inside whatever sets `scope["user"]`."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if getattr(scope["user"], "is_staff", False):
            await self._application(scope, receive, send)
        elif maintenance.current():
            await receive()
            # A refusal before accepting reaches the browser as a bare HTTP 403.
            await send({"type": "websocket.accept"})
            await _close(send)
        else:
            await self._until_it_begins(scope, receive, send)

    async def _until_it_begins(self, scope: Scope, receive: Any, send: Any) -> None:
        begins = _watch().begins()
        heard: asyncio.Future[Any] | None = None

        async def receive_or_leave() -> Any:
            nonlocal heard
            heard = heard or asyncio.ensure_future(receive())
            await asyncio.wait({heard, begins}, return_when=asyncio.FIRST_COMPLETED)
            if heard.done():
                message, heard = heard.result(), None
                return message
            await _close(send)
            return {"type": "websocket.disconnect", "code": CLOSED}

        try:
            await self._application(scope, receive_or_leave, send)
        finally:
            begins.cancel()
            if heard:
                heard.cancel()


async def _close(send: Any) -> None:
    """Why goes in a message of its own: Daphne keeps the reason of a close to itself."""
    work = maintenance.current()
    told = {"type": "maintenance", "message": work.message if work else ""}
    await send({"type": "websocket.send", "text": json.dumps(told)})
    await send({"type": "websocket.close", "code": CLOSED})


class _Watch:
    """One look a second for all connections of an event loop, as long as there are any."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def begins(self) -> asyncio.Future[None]:
        """Done once planned work has begun; cancelled by whoever does not wait any more."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._look())
        return future

    async def _look(self) -> None:
        while self._waiting:
            if maintenance.current():
                for future in [future for future in self._waiting if not future.done()]:
                    future.set_result(None)
            await asyncio.sleep(_LOOK_SECONDS)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = WeakKeyDictionary()


def _watch() -> _Watch:
    return _watches.setdefault(asyncio.get_running_loop(), _Watch())
