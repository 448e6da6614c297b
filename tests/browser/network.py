"""A network between browser and site that can be cut: a TCP relay on a port of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Network:
    """Passes bytes on to `target` until it is cut. Used from the test's thread; runs in one of its own."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._whole.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        threading.Thread(target=self._loop.run_forever, name="network", daemon=True).start()

    def start(self) -> None:
        self._call(self._listen())

    def cut(self) -> None:
        """Nobody answers: connections break, new ones are refused."""
        self._call(self._refuse())

    def freeze(self) -> None:
        """Packets vanish: nothing arrives, and nobody is told."""
        self._loop.call_soon_threadsafe(self._whole.clear)

    def restore(self) -> None:
        """Whole again. What was on its way when it froze does not arrive any more."""
        self._call(self._renew())

    def stop(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _renew(self) -> None:
        await self._refuse()
        self._whole.set()
        await self._listen()

    async def _end(self) -> None:
        await self._refuse()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        with suppress(OSError, asyncio.CancelledError):
            site_reader, site_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._open |= {writer, site_writer}
            try:
                await asyncio.gather(self._pass_on(reader, site_writer), self._pass_on(site_reader, writer))
            finally:
                self._open -= {writer, site_writer}
                writer.close()
                site_writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._whole.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@contextmanager
def network(target: int) -> Iterator[Network]:
    made = Network(target)
    made.start()
    try:
        yield made
    finally:
        made.stop()
