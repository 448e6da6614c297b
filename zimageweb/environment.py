"""Typed readers of the process environment, for `settings.py` only.

Every reader refuses nonsense at start-up with a sentence that names the variable. A secret may come from a file:
`NAME_FILE=/run/secrets/name` stands for `NAME=<the file's content>`. An empty value counts as not given, except
for `rate`.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

# A unix socket's address holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
LONGEST_SOCKET_PATH = 100


def text(name: str, default: str = "") -> str:
    """The variable `name`, or the content of the file that `NAME_FILE` points to, without surrounding space."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: {path} cannot be read ({error.strerror}).") from error
    return os.environ.get(name, "").strip() or default


def whole_number(name: str, default: int, *, least: int, most: int) -> int:
    """The variable `name` as an integer within `least … most`."""
    value = text(name) or str(default)
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{name} must be between {least} and {most}, not {number}.")
    return number


def limit(name: str, default: int | None, *, least: int = 0, most: int) -> int | None:
    """The variable `name` as a limit from `least` to `most`; `none` for no limit."""
    if (text(name) or ("none" if default is None else "")).lower() == "none":
        return None
    return whole_number(name, default or 0, least=least, most=most)


class Rate(NamedTuple):
    """So many a second on average, and up to `burst` at once."""

    per_second: float
    burst: int


_RATE = re.compile(r"(\d{1,6})/([smh]) burst (\d{1,6})")
_UNITS = {"s": 1, "m": 60, "h": 3_600}  # seconds


def rate(name: str, default: str) -> Rate | None:
    """The variable `name` as a rate such as `5/s burst 10` or `30/m burst 10`; given but empty: no limit."""
    value = text(name)
    if not value and name not in os.environ and f"{name}_FILE" not in os.environ:
        value = default
    if not value:
        return None
    found = _RATE.fullmatch(value)
    if not found or not int(found[1]) or not int(found[3]):
        raise ImproperlyConfigured(f"{name} must look like {default!r} or be empty, not {value!r}.")
    return Rate(int(found[1]) / _UNITS[found[2]], int(found[3]))


def choice(name: str, default: str, among: tuple[str, ...]) -> str:
    """The variable `name`, one of the words in `among`."""
    value = text(name) or default
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}, not {value!r}.")
    return value


def switch(name: str, default: bool) -> bool:
    """The variable `name` as on (`1 true yes on`) or off (`0 false no off`)."""
    value = (text(name) or ("on" if default else "off")).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be on or off, not {value!r}.")


def words(name: str, default: str = "") -> list[str]:
    """The variable `name` as a list, separated by commas."""
    return [word.strip() for word in (text(name) or default).split(",") if word.strip()]


def secret_key(data_dir: Path) -> str:
    """`SECRET_KEY`, or a key made once and kept, readable by its owner only, in the data folder.

    Two processes may start at once: the file is created whole under another name and linked into place, so that
    the first wins and the second reads what the first wrote.
    """
    if given := text("SECRET_KEY"):
        return given
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            _write_once(path, secrets.token_urlsafe(50))
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {data_dir} cannot be used: {error.strerror}. "
            "Make it writable, or choose another one with ZIMAGE_DATA_DIR."
        ) from error


def _write_once(path: Path, content: str) -> None:
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


def embedded_redis_socket(data_dir: Path) -> Path:
    """Where the embedded Redis server listens: in the data folder, or in a temporary one if that path is too long."""
    socket = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"zimageweb-{os.getuid()}-{digest}" / "redis.sock"
