"""Whose a WebSocket is: that of a browser's session, or of the program that shows an API token; and its language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser

from zimageweb.models import ApiToken, Preferences
from zimageweb.preferences import is_offered

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class BearerToken:
    """`Authorization: Bearer <token>` on a WebSocket: it then belongs to the token's owner, as API requests do.

    `scope["recheck"]` tells later whether that is still so: a token may be revoked while the connection lasts.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer":
            look_up = partial(ApiToken.user_for, token.strip())
            user = await database_sync_to_async(look_up, thread_sensitive=False)()
            scope = {**scope, "user": user or AnonymousUser(), "recheck": lambda: look_up() is not None}
        await self._application(scope, receive, send)


class PreferredLanguage:
    """`scope["language"]`: what the person chose, as for pages. Not set where nothing was chosen."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        user = scope["user"]
        if user.is_authenticated:
            preferences = await database_sync_to_async(Preferences.of, thread_sensitive=False)(user)
            if is_offered(preferences.language):
                scope = {**scope, "language": preferences.language}
        await self._application(scope, receive, send)
