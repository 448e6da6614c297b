"""How fast one person may ask: a token bucket for each, kept in Redis so that all web processes share it.

The bucket holds `burst` tokens and fills at `per_second`. Only the moment at which it will be full again is stored: the
tokens in it follow from that (the "virtual scheduling" form of the generic cell rate algorithm, ITU-T I.371).
"""

from __future__ import annotations

import logging
import math
from functools import cache

import redis
from django.conf import settings
from django.utils.translation import ngettext
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

from generation.exceptions import RateLimited

logger = logging.getLogger(__name__)

# Times are whole microseconds: Lua's numbers are exact up to 2**53. A script runs alone, so nobody slips in between.
_TAKE = """
local interval, burst, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local full = interval * burst
-- Never further ahead than an empty bucket: the clock of the machine may have been put back.
local full_at = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now), now + full) + interval
if full_at - now > full then
  return full_at - now - full
end
redis.call('SET', KEYS[1], string.format('%d', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0
"""
_SECONDS = 0.5  # that Redis may take; then the request goes through without it


class _Outage:
    """Whether Redis is away, so that an outage is logged once."""

    def __init__(self) -> None:
        self._is_on = False

    def began(self, error: RedisError) -> None:
        if not self._is_on:
            logger.warning("Redis cannot be reached (%s); people may ask as fast as they like.", error)
        self._is_on = True

    def ended(self) -> None:
        if self._is_on:
            logger.info("Redis is back; how fast people ask is limited again.")
        self._is_on = False


_outage = _Outage()


@cache
def _script(url: str) -> Script:
    client = redis.Redis.from_url(
        url,
        socket_connect_timeout=_SECONDS,
        socket_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 1),  # a connection that an earlier restart of Redis has closed
    )
    return client.register_script(_TAKE)


def take(user_id: int, *, now: float | None = None) -> None:
    """Take one token from the person's bucket. Raises RateLimited, with the time until there is one, if it is empty.

    `now` is in seconds, by default Redis' own clock. While Redis is away nobody is refused.
    """
    limit = settings.RATE_LIMIT
    if limit is None:
        return
    arguments = [round(1_000_000 / limit.per_second), limit.burst]
    if now is not None:
        arguments.append(round(now * 1_000_000))
    try:
        wait = _script(settings.REDIS_URL)(keys=[f"zimageweb:asking:{user_id}"], args=arguments) / 1_000_000
    except RedisError as error:
        _outage.began(error)
        return
    _outage.ended()
    if wait:
        seconds = math.ceil(wait)
        message = ngettext(
            "That was too fast. Try again in %(seconds)d second.",
            "That was too fast. Try again in %(seconds)d seconds.",
            seconds,
        )
        raise RateLimited(message % {"seconds": seconds}, limit=limit.burst, retry_after=wait)
