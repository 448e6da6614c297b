"""Who calls: what a request shows instead of, or beside, the session of a browser."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.errors import AuthenticationError
from ninja.security import HttpBasicAuth, HttpBearer, SessionAuth

from zimageweb.models import ApiToken


class CredentialsRefused(AuthenticationError):
    """A name and password that are not taken here; `str()` says why, and what to send instead."""


class GuessedTooOften(AuthenticationError):
    """Wrong passwords came too often; for a while not even the right one is looked at."""


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


class NameAndPassword(HttpBasicAuth):
    """`Authorization: Basic …`, for programs that know nothing else.

    Guessing counts together with the sign-in page's: allauth checks, and counts by address and name. A password
    alone opens nothing where the person has a second factor.
    """

    def authenticate(self, request: HttpRequest, username: str, password: str) -> User | None:
        try:
            user = get_adapter().authenticate(request, username=username.replace("\0", ""), password=password)
        except ValidationError as refused:
            raise GuessedTooOften(message=str(refused.message)) from None
        if user is None or not user.is_active:  # allauth also finds people who may not sign in, to tell them so
            raise CredentialsRefused(message=_("The name or the password is wrong. Or send an API token."))
        if is_mfa_enabled(user):
            raise CredentialsRefused(message=_("This account has a second factor. Send an API token instead."))
        request.user = user
        return user  # type: ignore[no-any-return]
