"""Tells the person who started the site where it is and how to sign in, once it answers."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound


class Announcement:
    """`sign_in` is said even if the site never answers: it may hold the only copy of a password."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.sign_in = ""
        self._say = say
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._wait_and_say, name="announcement", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        if self.sign_in:
            self._say(self.sign_in)

    def _wait_and_say(self) -> None:
        while not _site_answers():
            if self._stopped.wait(0.05):
                return
        sign_in, self.sign_in = self.sign_in, ""
        self._say(f"\n  {settings.SITE_NAME} is ready: {settings.SITE_URL}\n  {sign_in}\n  Ctrl-C stops it.\n")


def _site_answers() -> bool:
    host = _LOOPBACK.get(settings.HOST, settings.HOST)
    connection = http.client.HTTPConnection(host, settings.PORT, timeout=5)
    try:
        connection.request("GET", "/health/live", headers={"Host": urlsplit(settings.SITE_URL).netloc})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
