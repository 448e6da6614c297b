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
from pathlib import Path

_NO_TESTS = 5  # pytest's exit status when nothing matches
_DEBIAN = Path("/usr/lib/postgresql")
# Nothing here must survive a crash, so nothing waits for the disk.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "listen_addresses": ""}


def programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`: from the PATH, or Debian's, which keeps them off it."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = [folder for folder in _DEBIAN.glob("*/bin") if (folder / "initdb").exists()]
    return max(versions, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), default=None)


@contextmanager
def postgresql(binaries: Path) -> Iterator[str]:
    """A running server of one's own; yields its DATABASE_URL."""
    # PostgreSQL refuses to run as root.
    owner = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="zimageweb-pg-") as folder:
        if owner:
            os.chown(folder, pwd.getpwnam(owner).pw_uid, -1)
        data = f"{folder}/data"
        options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())

        def call(program: str, *arguments: str) -> None:
            command = [str(binaries / program), *arguments]
            subprocess.run(command, user=owner, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        call("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        call("pg_ctl", "start", "-w", "-D", data, "-l", f"{folder}/log", "-o", f"-k {folder} {options}")
        try:
            yield f"postgres://postgres@/postgres?host={folder}"
        finally:
            call("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)


def main(arguments: list[str]) -> int:
    binaries = programs()
    if binaries is None:
        sys.stderr.write("PostgreSQL is not installed: its tests were not run.\n")
        return 1 if os.environ.get("CI") else 0
    with postgresql(binaries) as url:
        command = [sys.executable, "-m", "pytest", "-m", "database", *arguments]
        status = subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, check=False).returncode
    return 0 if status == _NO_TESTS else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
