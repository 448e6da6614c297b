"""What must be true before the site is started: a folder to write in, a free port, tables, files, an administrator.

Every refusal is one `CommandError` with a sentence that says what to do.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import OperationalError

from zimageweb import __version__, storage_space


def require_writable_data_folder() -> None:
    if reason := storage_space.write_failure(settings.DATA_DIR):
        raise CommandError(
            f"The data folder {settings.DATA_DIR} cannot be written to: {reason}. "
            "Make it writable, or choose another one with ZIMAGE_DATA_DIR."
        )


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the data folder: two supervisors on one folder would run two Redis servers on one log."""
    with (settings.DATA_DIR / "up.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CommandError(
                f"The data folder {settings.DATA_DIR} is in use by process {lock.read().strip() or '?'}, "
                "another `manage.py up`. Stop that one, or choose another folder with ZIMAGE_DATA_DIR."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def require_free_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the server itself does: connections of an earlier run that linger are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise CommandError(
            f"Port {port} of {host} cannot be used: {error.strerror}. "
            "Stop the program that uses it, or choose another one with PORT (and HOST)."
        ) from error


def check_settings() -> None:
    """Print what the system checks warn of; an error among it ends the start."""
    call_command("check", stdout=io.StringIO())  # without the line that says that all is well


def prepare_database() -> None:
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        raise CommandError(f"The database cannot be used: {error} Check DATABASE_URL, or start its server.") from error


def prepare_static_files() -> None:
    """Collect the static files, unless none has changed since the last time: compressing them takes seconds."""
    stamp = settings.DATA_DIR / "static.stamp"
    state = state_of_static_files()
    if stamp.exists() and stamp.read_text(encoding="ascii") == state and Path(settings.STATIC_ROOT).is_dir():
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(state, encoding="ascii")


def state_of_static_files() -> str:
    """A digest that changes with the name, size or time of any static file, and with the release."""
    known = [__version__, settings.STORAGES["staticfiles"]["BACKEND"]]
    for finder in get_finders():
        for path, storage in finder.list(None):
            found = Path(storage.path(path)).stat()
            known.append(f"{path} {found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(known)).encode()).hexdigest()


def make_first_administrator() -> str:
    """Make the administrator that the environment names, or `admin` where there is none; say how to sign in.

    An account that is there keeps its password: the variables make the first administrator, they do not rule over it.
    """
    name, password = settings.FIRST_ADMIN_USERNAME, settings.FIRST_ADMIN_PASSWORD
    known = User.objects.filter(is_superuser=True, is_active=True)
    if name and _is_free(name):
        return _make_administrator(name, password)
    if not name and not known.exists():
        return _make_administrator("admin" if _is_free("admin") else f"admin-{secrets.token_hex(2)}", password)
    administrators = ", ".join(known.order_by("pk").values_list("username", flat=True)[:3])
    return f"Sign in with your account (administrators: {administrators or 'none'})."


def _is_free(name: str) -> bool:
    return not User.objects.filter(username=name).exists()


def _make_administrator(name: str, password: str) -> str:
    made = password or secrets.token_urlsafe(12)
    User.objects.create_superuser(name, settings.FIRST_ADMIN_EMAIL, made)
    if password:
        return f"Sign in as {name} with the password from DJANGO_SUPERUSER_PASSWORD."
    return f"Sign in as {name} with the password {made} (shown only this once)."
