"""Runs the tests marked `database` on a throw-away PostgreSQL: `python -m tests.on_postgresql [pytest's arguments]`.

The server listens on a socket in a temporary folder only, and is gone afterwards. Without PostgreSQL's programs the
tests are skipped with a word; with `CI` set that is a failure.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NO_TESTS = 5  # pytest's exit status when nothing matches
_DEBIAN = Path("/usr/lib/postgresql")
# Nothing here must survive a crash of the machine, so nothing waits for the disk; one of the server it does survive.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "listen_addresses": ""}


def programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`: from the PATH, or Debian's, which keeps them off it."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = [folder for folder in _DEBIAN.glob("*/bin") if (folder / "initdb").exists()]
    return max(versions, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), default=None)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of one's own in `folder`."""

    binaries: Path
    folder: str

    @property
    def url(self) -> str:
        return f"postgres://postgres@/postgres?host={self.folder}"

    def initialise(self) -> None:
        if owner := _owner():
            os.chown(self.folder, pwd.getpwnam(owner).pw_uid, -1)
        self._call("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())
        self._call("pg_ctl", "start", "-w", "-l", f"{self.folder}/log", "-o", f"-k {self.folder} {options}")

    def stop(self) -> None:
        """At once, as when it crashes: whoever is connected loses the connection in the middle of a sentence."""
        self._call("pg_ctl", "stop", "-w", "-m", "immediate")

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments, "-D", f"{self.folder}/data"]
        subprocess.run(command, user=_owner(), cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


def _owner() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "postgres" if os.getuid() == 0 else None


@contextmanager
def postgresql(binaries: Path) -> Iterator[Server]:
    """A running server, gone in the end."""
    with tempfile.TemporaryDirectory(prefix="zimageweb-pg-") as folder:
        server = Server(binaries, folder)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def main(arguments: list[str]) -> int:
    binaries = programs()
    if binaries is None:
        sys.stderr.write("PostgreSQL is not installed: its tests were not run.\n")
        return 1 if os.environ.get("CI") else 0
    with postgresql(binaries) as server:
        command = [sys.executable, "-m", "pytest", "-m", "database", *arguments]
        status = subprocess.run(command, env=os.environ | {"DATABASE_URL": server.url}, check=False).returncode
    return 0 if status == _NO_TESTS else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
