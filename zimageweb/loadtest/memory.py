"""What the workers take of this machine, from outside: main memory from /proc, GPU memory from nvidia-smi."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 1.0  # seconds
_PATIENCE = 5.0


@dataclass
class Memory:
    """The most that was seen, in megabytes, of all watched processes together. None where there was nothing to see."""

    resident: float | None = None
    on_device: float | None = None

    async def watch(self, pids: Sequence[int]) -> None:
        """Look again and again until cancelled."""
        while True:
            self._note(resident_megabytes(pids), await asyncio.to_thread(device_megabytes))
            await asyncio.sleep(_EVERY)

    def _note(self, resident: float | None, on_device: float | None) -> None:
        self.resident = max(filter(None, (self.resident, resident)), default=None)
        self.on_device = max(filter(None, (self.on_device, on_device)), default=None)


def resident_megabytes(pids: Sequence[int]) -> float | None:
    """What these processes hold, if they are workers of this machine."""
    found = [size for pid in pids if (size := _resident(pid)) is not None]
    return sum(found) if found else None


def _resident(pid: int) -> float | None:
    folder = Path("/proc") / str(pid)
    try:
        # The number may be another machine's, or belong to somebody else by now.
        if b"worker" not in (folder / "cmdline").read_bytes().split(b"\0"):
            return None
        size = re.search(r"^VmRSS:\s+(\d+) kB$", (folder / "status").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(size[1]) / 1024 if size else None


def device_megabytes() -> float | None:
    """Memory in use on all of the machine's NVIDIA devices, whoever uses it: in a container processes have no names."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)
        return float(sum(map(int, answer.stdout.split())))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
