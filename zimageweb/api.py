"""The JSON API: who may call it, and the routers of the rooms put together."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.security import HttpBearer, SessionAuth

from gallery.api import router as gallery_router
from generation.api import router as generation_router
from zimageweb import problems
from zimageweb.models import ApiToken


class BearerToken(HttpBearer):
    """`Authorization: Bearer <token>`; the request then acts as the token's owner."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        user = ApiToken.user_for(token)
        if user is not None:
            request.user = user
        return user


class BrowserSession(SessionAuth):
    """The session of a signed-in browser, with its CSRF token.

    Not looked at where there is a token or no session: a program that sends a wrong token is to read that (401), not
    that a CSRF cookie is missing.
    """

    def _get_key(self, request: HttpRequest) -> str | None:
        if "Authorization" in request.headers or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        return super()._get_key(request)


api = NinjaAPI(
    title="Zimageweb",
    version="1",
    urls_namespace="api",
    auth=[BearerToken(), BrowserSession()],
)
problems.register(api)
api.add_router("", generation_router)
api.add_router("", gallery_router)
