"""Applies what people prefer to each request: the language that a person chose goes before cookie and browser."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.deprecation import MiddlewareMixin

from zimageweb.models import Preferences


class PreferencesMiddleware(MiddlewareMixin):
    """Stands after LocaleMiddleware, which knows only cookie and browser, and after whatever finds the person."""

    def process_request(self, request: HttpRequest) -> None:
        preferences = Preferences.of(request.user)
        request.preferences = preferences  # type: ignore[attr-defined]
        if is_offered(preferences.language):
            translation.activate(preferences.language)
            request.LANGUAGE_CODE = preferences.language


def preferences_of(request: HttpRequest) -> Preferences:
    """Those of the request's person; defaults on pages that fail before the middleware has run."""
    return getattr(request, "preferences", None) or Preferences()


def is_offered(language: str) -> bool:
    return language in dict(settings.LANGUAGES)
