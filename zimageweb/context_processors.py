"""What the frame around every page needs. Whatever costs a query is computed only where a template shows it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from generation import quotas
from generation.models import Generation
from zimageweb import __version__
from zimageweb.preferences import preferences_of

THEMES = ("light", "dark", "auto")
THEME_COOKIE = "theme"


def theme_of(request: HttpRequest) -> str:
    """The theme that the person chose; what a stranger writes into the cookie never reaches the page."""
    chosen = request.COOKIES.get(THEME_COOKIE)
    return chosen if chosen in THEMES else "auto"


def shell(request: HttpRequest) -> dict[str, Any]:
    # A page that fails before the middleware has run has no user.
    user: Any = getattr(request, "user", AnonymousUser())
    return {
        "site_name": settings.SITE_NAME,
        "theme": theme_of(request),
        "signup": settings.SIGNUP,
        "version": __version__,
        "single_keys": preferences_of(request).single_keys,
        "usage": SimpleLazyObject(lambda: quotas.usage(user) if user.is_authenticated else None),
        "active_count": SimpleLazyObject(lambda: Generation.objects.visible_to(user).active().count()),
    }
