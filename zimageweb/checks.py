"""What `manage.py check` says about the installation, numbered so that each can be looked up or silenced.

Nothing here asks the network or the database: those are the readiness probe's (`zimageweb.health`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from zimageweb import embedded_redis, storage_space
from zimageweb.environment import LONGEST_SOCKET_PATH

_OWN_MACHINE = {"localhost", "127.0.0.1", "::1"}
_EVERY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104  compared, not bound


@checks.register
def installation(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Everything that can be wrong with the settings of this installation."""
    return [*_data_folder(), *_redis(), *_address(), *_people()]


def _data_folder() -> Iterator[checks.CheckMessage]:
    folder = settings.DATA_DIR
    if reason := storage_space.write_failure(folder):
        yield checks.Error(
            f"The data folder {folder} cannot be written to: {reason}.",
            hint="Make it writable for this user, or choose another one with ZIMAGE_DATA_DIR.",
            id="zimageweb.E001",
        )
    elif (free := storage_space.free_megabytes(folder)) < settings.READY_FREE_MEGABYTES:
        yield checks.Warning(
            f"The disk of the data folder {folder} has {free} MB left.",
            hint="Free some, run `manage.py cleanup_images`, or lower READY_FREE_MEGABYTES.",
            id="zimageweb.W003",
        )


def _redis() -> Iterator[checks.CheckMessage]:
    if not settings.REDIS_IS_EMBEDDED:
        return
    if embedded_redis.server_binary() is None:
        yield checks.Error(
            "There is no Redis server to start.",
            hint="Install valkey or redis so that its server is on the PATH, or point REDIS_URL to a running one.",
            id="zimageweb.E002",
        )
    socket = settings.EMBEDDED_REDIS_SOCKET
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        yield checks.Error(
            f"The path of the embedded Redis server's socket is too long: {socket}.",
            hint="Choose a data folder (ZIMAGE_DATA_DIR) or a temporary folder (TMPDIR) with a shorter path.",
            id="zimageweb.E003",
        )
    elif reason := embedded_redis.exposure(socket.parent):
        yield checks.Error(
            f"The folder of the embedded Redis server's socket is not private: {reason}.",
            hint="Remove the folder: it is made anew, for this user alone.",
            id="zimageweb.E004",
        )


def _address() -> Iterator[checks.CheckMessage]:
    site = urlsplit(settings.SITE_URL)
    public = site.hostname not in _OWN_MACHINE | _EVERY_ADDRESS
    if site.path or site.query or site.fragment:
        yield checks.Error(
            f"SITE_URL must end with the host and port, not with {site.path or site.query or site.fragment!r}.",
            hint="The site answers at the root of its host: SITE_URL=https://pictures.example.org",
            id="zimageweb.E005",
        )
    if public and site.scheme != "https":
        yield checks.Warning(
            f"People reach the site by plain http ({settings.SITE_URL}): passwords can be read on the way.",
            hint="Put a proxy that speaks https in front and set SITE_URL=https://…",
            id="zimageweb.W001",
        )
    if public and settings.DEBUG:
        yield checks.Warning(
            "DEBUG is on at a public address: error pages show settings and code to everybody.",
            hint="Unset DEBUG.",
            id="zimageweb.W002",
        )
    if site.hostname in _EVERY_ADDRESS:
        yield checks.Warning(
            f"The site listens on every address, but answers only to {', '.join(sorted(settings.ALLOWED_HOSTS))}.",
            hint="Set SITE_URL to the address that people type, such as http://studio.local:7860",
            id="zimageweb.W005",
        )


def _people() -> Iterator[checks.CheckMessage]:
    if settings.SIGNUP == "open" and settings.ACCOUNT_EMAIL_VERIFICATION == "none":
        yield checks.Warning(
            "Anybody may sign up, any number of times: SIGNUP=open and no mail server to verify addresses with.",
            hint="Set SIGNUP to approval, invite or closed, or set EMAIL_URL.",
            id="zimageweb.W004",
        )
