"""Days and hours on pages are those of the person who reads them; quotas and the administration keep the site's own.

The browser names its time zone in a cookie (static/js/shell.js); until then, and for programs, it is the site's.
"""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware

COOKIE = "timezone"
# Its lists are grouped by day in the database, and PostgreSQL may not know the zone. And the log has the site's times.
_OF_THE_SITE = "/admin/"

_known = functools.cache(zoneinfo.available_timezones)  # reads hundreds of files


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The zone that the browser named; what else stands in the cookie is no zone."""
    name = request.COOKIES.get(COOKIE, "")
    if not name or request.path.startswith(_OF_THE_SITE) or name not in _known():
        return None
    return zoneinfo.ZoneInfo(name)


@sync_and_async_middleware
def time_zone_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Stands before whatever writes a time. The zone ends with the request: the thread may go on with another's."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            with timezone.override(zone_of(request)):
                response: HttpResponseBase = await get_response(request)
            return response

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        with timezone.override(zone_of(request)):
            response: HttpResponseBase = get_response(request)
        return response

    return answer
