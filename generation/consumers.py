"""The live connection of one page. Sockets are hints, the database is the truth: each starts with a snapshot.

Nothing here touches the ORM except through the asynchronous functions of `ticker`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.http import HttpRequest
from django.utils import translation
from redis.exceptions import RedisError

from generation import ticker
from generation.events import user_group
from generation.models import Failure

logger = logging.getLogger(__name__)

SIGNED_OUT = 4401  # close codes from 4000 on are ours to give a meaning
TRY_AGAIN_LATER = 4013  # 1013 itself may not be sent


class GenerationConsumer(AsyncJsonWebsocketConsumer):
    """Sends one signed-in person's own events; takes nothing from the browser."""

    user_id: int | None = None
    session_key: str | None = None
    recheck: Callable[[], bool] | None = None  # where the person came without a session: whether they still may
    language = ""

    async def connect(self) -> None:
        # A refusal before accepting reaches the browser as a bare HTTP 403: accept, say why, then close.
        await self.accept()
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close(SIGNED_OUT)
            return
        self.user_id, self.session_key = user.pk, self.scope["session"].session_key
        self.recheck = self.scope.get("recheck")
        self.language = self._find_language()
        try:
            # Listen first, read second: a change in between arrives twice instead of never.
            await self.channel_layer.group_add(user_group(user.pk), self.channel_name)
        except (RedisError, OSError) as error:
            logger.warning("No live events while Redis is away (%s).", error)
            await self.send_json({"type": "snapshot", **await ticker.read_snapshot(user, self.language)})
            await self.close(TRY_AGAIN_LATER)
            return
        await self.send_json({"type": "snapshot", **await ticker.read_snapshot(user, self.language)})
        ticker.join(self)

    async def disconnect(self, code: int) -> None:
        ticker.leave(self)
        if self.user_id is not None:
            try:
                await self.channel_layer.group_discard(user_group(self.user_id), self.channel_name)
            except (RedisError, OSError):
                logger.debug("Redis is away; the subscription ends with its connection.")

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Browsers ask over HTTP; what they send here is not listened to."""

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        return None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Pass events straight on. Channels' own dispatch first waits for the process's one database thread, where
        somebody else's slow query would hold up this person's picture."""
        if message["type"] == "push":
            await self.send_json(self._in_own_language(message["payload"]))
        else:
            await super().dispatch(message)

    def _find_language(self) -> str:
        """As for pages: what the person chose, else the cookie, else what the browser accepts."""
        if chosen := self.scope.get("language"):
            return str(chosen)
        request = HttpRequest()
        request.COOKIES = self.scope["cookies"]
        accepted = dict(self.scope["headers"]).get(b"accept-language", b"")
        request.META["HTTP_ACCEPT_LANGUAGE"] = accepted.decode("latin-1")
        return translation.get_language_from_request(request)

    def _in_own_language(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The process that publishes a failure, mostly a worker, does not know who reads it in which language."""
        generation = payload.get("generation")
        if not generation or not generation["error_code"]:
            return payload
        with translation.override(self.language):
            error = str(Failure(generation["error_code"]).label)
        return payload | {"generation": generation | {"error": error}}

    async def sign_out(self, message: dict[str, Any]) -> None:
        if message["session_key"] in (None, self.session_key):
            await self.close(SIGNED_OUT)
