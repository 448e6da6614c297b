"""Requests that wait long share a few threads: Django by itself keeps one for each request until it is answered."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler

_THREADS = 4  # each runs the synchronous parts of its requests one after the other


class SharedThreads:
    """An ASGI application whose requests under `prefixes` take turns on these threads.

    They are free while the requests wait, provided that nothing around an asynchronous view is synchronous: one such
    middleware would sit in its thread until the answer, and the other requests behind it.
    """

    def __init__(self, application: ASGIHandler, prefixes: tuple[str, ...]) -> None:
        self._application, self._prefixes = application, prefixes
        self._threads = itertools.cycle([ThreadPoolExecutor(1, f"waiting-{number}") for number in range(_THREADS)])

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if not scope["path"].startswith(self._prefixes):
            await self._application(scope, receive, send)
            return
        async with ThreadSensitiveContext(executor=next(self._threads)):
            await self._application(scope, receive, send)
