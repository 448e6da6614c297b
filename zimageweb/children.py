"""The processes that the supervisor keeps running: how each is started, watched, restarted and ended.

Children are started from the main thread only: the kernel ties `PR_SET_PDEATHSIG` to the thread that started them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(slots=True)
class BackOff:
    """How long to wait before the next start: doubling from `first` to `longest`, anew after a healthy run."""

    first: float = 0.25
    longest: float = 30.0
    healthy: float = 10.0
    _last: float = 0.0

    def seconds_after(self, lived: float) -> float:
        self._last = self.first if lived >= self.healthy or not self._last else min(self._last * 2, self.longest)
        return self._last


@dataclass
class Child:
    """One process under supervision. Each line it prints goes to `say` with its name in front.

    `parting` is called with each exit status before the next start; where it returns False there is no next start.
    """

    name: str
    command: Sequence[str]
    say: Callable[[str], None]
    parting: Callable[[int], bool]
    environment: dict[str, str] = field(default_factory=dict)  # beside the supervisor's own
    start_at: float | None = 0.0  # by the monotonic clock; None: not by itself
    process: subprocess.Popen[str] | None = None
    _started: float = 0.0
    _back_off: BackOff = field(default_factory=BackOff)
    _reader: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None

    @property
    def is_due(self) -> bool:
        return self.process is None and self.start_at is not None and self.start_at <= time.monotonic()

    def start(self) -> None:
        parent = os.getpid()
        self.start_at = None
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,  # Ctrl-C in the terminal reaches the supervisor alone, which ends them in order
            preexec_fn=lambda: _die_with(parent),  # makes system calls only: a lock held elsewhere cannot block it
        )
        assert self.process.stdout is not None  # noqa: S101
        self._reader = threading.Thread(target=self._relay, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def reap(self) -> int | None:
        """The exit status if the process has ended since the last call; then its next start is planned."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        if self._reader is not None:
            self._reader.join(timeout=0.2)  # its last words come before ours
        self.process = None
        # However long it took to find out that it cannot start yet, that was no healthy run.
        lived = 0.0 if status == os.EX_TEMPFAIL else time.monotonic() - self._started
        if self.parting(status):
            self.start_at = time.monotonic() + self._back_off.seconds_after(lived)
        return status

    def end(self, *, at_once: bool = False) -> None:
        """Ask the process to stop, or stop it and everything in its group."""
        if self.process is None or self.process.poll() is not None:
            return
        if at_once:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.terminate()

    def _relay(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                self.say(f"{self.name:<8}| {line.rstrip()}")


def _die_with(parent: int) -> None:
    """Runs in the child before the program: whatever ends the supervisor, even SIGKILL, ends the child too (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before the call
            os._exit(1)


def in_words(status: int) -> str:
    """An exit status as people say it."""
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"stopped with exit status {status}"
