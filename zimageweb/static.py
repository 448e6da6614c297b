"""Static files: every file gets its content's hash in its name, so that browsers may keep it for ever."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise for both worlds. Its own is synchronous, and so every request would hold a thread until its answer."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self._answer(request) if iscoroutinefunction(self) else super().__call__(request)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        found = self.find_file(path) if self.autorefresh else self.files.get(path)
        if found is None:
            answer: HttpResponseBase = await self.get_response(request)
            return answer
        response: HttpResponseBase = await sync_to_async(self.serve, thread_sensitive=False)(found, request)
        return response


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names also inside `import … from './module.js'`, so that a new release never meets an old module.

    Django can do this for all scripts at once, but then trips over an `import` in a comment of somebody else's
    script; so only our own folder is read.
    """

    patterns = (
        *HashedFilesMixin.patterns,
        ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]
    )
