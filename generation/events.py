"""Tells browsers what has changed. The only place that publishes, always after the commit.

Events are hints: losing one loses nothing, because every page starts from a snapshot of the database. So nothing here
ever raises or waits: messages go to one background thread with an event loop of its own, whose connection to Redis
stays open (a loop and a connection for each message cost ten times as much).
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import transaction

from generation.models import Generation
from generation.representation import generation_as_json

logger = logging.getLogger(__name__)


def user_group(user_id: int) -> str:
    return f"user.{user_id}"


class _Publisher:
    """A background thread that sends to the channel layer; one a process, started when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._is_down = False

    def send(self, group: str, message: dict[str, Any]) -> None:
        future = asyncio.run_coroutine_threadsafe(get_channel_layer().group_send(group, message), self._running_loop())
        future.add_done_callback(self._note)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():  # a thread does not survive a fork
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="events", daemon=True).start()
            return self._loop

    def _note(self, future: Future[None]) -> None:
        """Log the first failure of an outage and its end, not each message."""
        if future.cancelled():
            return
        error = future.exception()
        if error is not None and not self._is_down:
            logger.warning("Live events cannot be sent (%s); pages catch up from their next snapshot.", error)
        elif error is None and self._is_down:
            logger.info("Live events are sent again.")
        self._is_down = error is not None


_publisher = _Publisher()


def _send(user_id: int, payload: dict[str, Any]) -> None:
    _publisher.send(user_group(user_id), {"type": "push", "payload": payload})


def generation_changed(row: Generation) -> None:
    """Say that a row has changed, once the surrounding transaction has been committed."""
    generation = generation_as_json(row)
    payload = {"type": "generation", "seq": row.seq, "generation": generation}
    transaction.on_commit(partial(_send, row.user_id, payload), robust=True)


def generations_changed(rows: Iterable[Generation]) -> None:
    for row in rows:
        generation_changed(row)


def preview(row: Generation, step: int, data_url: str) -> None:
    """Show how far a picture is; never stored, so it needs no commit."""
    _send(row.user_id, {"type": "preview", "id": row.pk, "step": step, "image": data_url})


def usage_changed(user: User, usage: dict[str, Any]) -> None:
    transaction.on_commit(partial(_send, user.pk, {"type": "usage", "usage": usage}), robust=True)


def images_moved(user_id: int, *, deleted: Iterable[UUID], restored: Iterable[UUID]) -> None:
    """Say which of the person's images went to the bin or came back; the change itself is committed already."""
    payload = {"type": "images", "deleted": [str(pk) for pk in deleted], "restored": [str(pk) for pk in restored]}
    transaction.on_commit(partial(_send, user_id, payload), robust=True)


def images_marked(user_id: int, ids: Iterable[UUID], *, favourite: bool) -> None:
    """Say which of the person's images became favourites or ceased to be; the change itself is committed already."""
    payload = {"type": "favourites", "ids": [str(pk) for pk in ids], "favourite": favourite}
    transaction.on_commit(partial(_send, user_id, payload), robust=True)


def archive_finished(user_id: int, archive: Mapping[str, Any]) -> None:
    """Say that a ZIP is ready or has failed; the change itself is committed already."""
    _send(user_id, {"type": "archive", "archive": archive})


def close_sockets(user_id: int, session_key: str | None = None) -> None:
    """End the person's live connections: of one session on sign-out, of all when the account is closed."""
    _publisher.send(user_group(user_id), {"type": "sign.out", "session_key": session_key})
