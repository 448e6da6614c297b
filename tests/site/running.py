"""A whole site, started as an operator starts it: `manage.py up` in a process of its own, with a folder and a port."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MANAGE = Path(__file__).resolve().parent.parent.parent / "manage.py"
_OWN = ("DJANGO_ALLOW_ASYNC_UNSAFE", "DATABASE_URL", "SECRET_KEY", "ZIMAGE_DATA_DIR")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data_dir: Path, **changes: str) -> dict[str, str]:
    """The environment of a process that knows nothing of the test's own settings."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OWN}
    return inherited | {"ZIMAGE_DATA_DIR": str(data_dir)} | changes


def manage(*words: str, data_dir: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` to its end."""
    command = [sys.executable, str(MANAGE), *words]
    return subprocess.run(
        command, env=environment(data_dir, **changes), capture_output=True, text=True, timeout=60, check=False
    )


def until(condition: Callable[[], Any], *, seconds: float = 20.0, what: str = "") -> Any:
    """The first true value of `condition`. For what no event tells of, such as another process's end."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"Not within {seconds} s: {what or condition}")
        time.sleep(0.01)
    return value


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for this signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


@dataclass
class Site:
    """A running `manage.py up`."""

    process: subprocess.Popen[str]
    port: int
    data_dir: Path
    lines: list[str] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)
    _reader: threading.Thread | None = None

    def read(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self._more.notify_all()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for_line(self, pattern: str, *, seconds: float = 30.0) -> re.Match[str]:
        """The first line that was or is going to be printed and that matches."""

        def search() -> re.Match[str] | None:
            return next((found for line in self.lines if (found := re.search(pattern, line))), None)

        with self._more:
            self._more.wait_for(lambda: search() or self.process.poll() is not None, timeout=seconds)
        found = search()
        assert found, f"No line matches {pattern!r}:\n{self.output}"
        return found

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of `path`; status 0 while nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.get("/health/ready")[0] == 200

    def children(self) -> dict[str, int]:
        """Process ids of the running children by what they are."""
        kinds = {"valkey": "redis", "redis-server": "redis", "daphne": "web", "worker": "worker"}
        kinds["housekeeper"] = "housekeeper"
        found: dict[str, int] = {}
        main_thread = Path(f"/proc/{self.process.pid}/task/{self.process.pid}")  # it starts all of them
        for pid in map(int, (main_thread / "children").read_text().split()):
            if not is_alive(pid):
                continue
            command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            kind = next((kind for word, kind in kinds.items() if word in command), command)
            found[kind] = pid
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop and wait until it has; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if self._reader is not None:
            self._reader.join(timeout=5)
        return status


@contextmanager
def site(data_dir: Path, *words: str, wait: bool = True, **changes: str) -> Iterator[Site]:
    """`manage.py up` in `data_dir`, stopped at the end; with `wait`, only once it has said that it is ready."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "up", *words],
        env=environment(data_dir, PORT=str(port)) | changes,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    running = Site(process, port, data_dir)
    running.read()
    try:
        if wait:
            running.wait_for_line("is ready:")
        yield running
    finally:
        running.stop()
