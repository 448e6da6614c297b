"""Django's cache in Redis, and in this process's memory while Redis is away: signing in must not need Redis."""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class SharedCache(BaseCache):
    """What several web processes count together, such as wrong passwords. In an outage each counts by itself."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._redis, self._memory = RedisCache(server, params), LocMemCache("shared_cache", params)
        self._is_away = False

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            result = getattr(self._redis, name)(*args, **kwargs)
        except RedisError as error:
            if not self._is_away:
                logger.warning("Redis cannot be reached (%s); each process counts wrong passwords by itself.", error)
            self._is_away = True
            return getattr(self._memory, name)(*args, **kwargs)
        self._is_away = False
        return result

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self._call("add", key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._call("get", key, default, version)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._call("set", key, value, timeout, version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self._call("touch", key, timeout, version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(self._call("delete", key, version))

    def clear(self) -> None:
        self._call("clear")
