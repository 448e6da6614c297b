"""Pictures for a caller who waits for them: asked for, awaited, and taken back when nobody waits any more.

Waiting holds no database connection and asks the database only now and then: the person's live events say when to
look. Like all events they are hints, so a lost one costs a few seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from generation import services
from generation.events import user_group
from generation.exceptions import NotDrawn, NotDrawnInTime
from generation.models import TERMINAL_STATES, Failure, Generation, State
from generation.parameters import Parameters

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0  # between two looks at the database when no event comes
_LISTEN_SECONDS = 2.0  # that joining the events may take

_Result = TypeVar("_Result")


async def drawn(*, user: User, parameters: Parameters, seconds: float) -> list[Generation]:
    """Ask for pictures and wait for them, `seconds` at most: their rows, each with its image.

    Raises what `services.submit` raises; NotDrawn when one of them fails or is cancelled; NotDrawnInTime, and what was
    still waiting in line is cancelled. When the task is cancelled, because the caller has gone, the pictures are
    cancelled too, even those that are being drawn.
    """
    end = asyncio.get_running_loop().time() + seconds
    async with _endings_of(user.pk) as endings:
        asking = asyncio.ensure_future(_in_thread(services.submit, user=user, parameters=parameters))
        try:
            # Shielded: once begun, it is waited for even when the caller goes, or its rows would be drawn for nobody.
            submission = await asyncio.shield(asking)
            endings.ids = [row.pk for row in submission.generations]
            while True:
                rows = await _in_thread(_read, endings.ids)
                if not any(row.is_active for row in rows):
                    return _pictures(rows, endings.ids)
                left = end - asyncio.get_running_loop().time()
                if left <= 0:
                    raise await _in_thread(_give_up, rows)
                await endings.wait(min(left, _LOOK_SECONDS))
        except asyncio.CancelledError:
            submission = await asking
            cancelled = await _in_thread(services.cancel_batch, batch=submission.batch)
            logger.info("Nobody waits for batch %s any more: %d pictures cancelled.", submission.batch.pk, cancelled)
            raise


def _pictures(rows: list[Generation], ids: Sequence[int]) -> list[Generation]:
    """The rows, if each has its image. Raises NotDrawn otherwise."""
    for row in rows:
        if row.failure:
            raise NotDrawn(str(Failure(row.failure).label), generations=ids, failure=row.failure)
    if len(rows) < len(ids) or any(row.state == State.CANCELLED or row.image is None for row in rows):
        raise NotDrawn(_("The picture was cancelled or deleted before it could be sent."), generations=ids)
    return rows


def _read(ids: Sequence[int]) -> list[Generation]:
    return list(Generation.objects.filter(pk__in=ids).select_related("image", "batch", "user").order_by("pk"))


def _give_up(rows: list[Generation]) -> NotDrawnInTime:
    """Take what waits out of the line, leave what is being drawn, and say which of it was the case."""
    for row in rows:
        if row.state == State.QUEUED:
            services.cancel(generation=row)
    ids = [row.pk for row in rows]
    if any(row.is_active for row in _read(ids)):
        message = _("The picture is still being drawn. It will be in your gallery.")
        return NotDrawnInTime(message, generations=ids, is_running=True)
    message = _("The picture's turn did not come in time, so it was cancelled. Try again later.")
    return NotDrawnInTime(message, generations=ids, is_running=False)


class _Endings:
    """Hears which pictures of one person are over."""

    def __init__(self) -> None:
        self.ids: Sequence[int] = ()  # those that somebody waits for
        self._heard = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until one of them is over, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        self._heard.clear()

    def hear(self, message: dict[str, Any]) -> None:
        generation = message.get("payload", {}).get("generation")
        if generation and generation["id"] in self.ids and generation["state"] in TERMINAL_STATES:
            self._heard.set()


@asynccontextmanager
async def _endings_of(user_id: int) -> AsyncIterator[_Endings]:
    """The person's events from now on; without Redis there are none, and looking now and then must do."""
    endings, joined = _Endings(), asyncio.Event()
    listener = asyncio.create_task(_listen(user_id, endings, joined))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LISTEN_SECONDS):
                await joined.wait()
        yield endings
    finally:
        listener.cancel()
        await asyncio.wait([listener])


async def _listen(user_id: int, endings: _Endings, joined: asyncio.Event) -> None:
    layer, group = get_channel_layer(), user_group(user_id)
    try:
        channel = await layer.new_channel()
        try:
            await layer.group_add(group, channel)
            joined.set()
            while True:
                endings.hear(await layer.receive(channel))
        finally:
            await layer.group_discard(group, channel)
    except (RedisError, OSError) as error:
        logger.warning("No live events while Redis is away (%s).", error)
    finally:
        joined.set()


async def _in_thread(function: Callable[..., _Result], *args: Any, **kwargs: Any) -> _Result:
    """Call it in the request's own thread, and give the database connection back at once."""
    result: _Result = await database_sync_to_async(function)(*args, **kwargs)
    return result
