"""How many CUDA devices a worker could draw on, found without torch: importing that costs the supervisor 400 MB.

The driver's `nvidia-smi` lists the devices, `CUDA_VISIBLE_DEVICES` narrows them as it does for CUDA, and torch's own
version file tells whether it was built for CUDA. Only their number matters: CUDA counts what is visible from 0.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

_SECONDS = 20.0
"""Waking up eight devices whose driver does not stay loaded takes several."""

_LINE = re.compile(r"^\s*(?:GPU|MIG .*Device) +\d+: .*\(UUID: ((?:GPU|MIG)-[^)\s]+)\)\s*$")


def count(say: Callable[[str], None] = lambda _line: None) -> int:
    """Devices that torch is going to see; 0 without a driver, or without a torch for it, of which `say` is told."""
    listed = _listed()
    if listed and not _torch_is_for_cuda():
        say("There is an NVIDIA GPU, but torch was built without CUDA; install a CUDA build of torch to draw on it.")
        return 0
    return len(_visible(listed, os.environ.get("CUDA_VISIBLE_DEVICES")))


def _listed() -> list[str]:
    """Identifiers of the devices and, after each, of the parts into which it may be divided (MIG)."""
    try:
        found = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [match[1] for line in found.stdout.splitlines() if (match := _LINE.match(line))]


def _visible(listed: list[str], setting: str | None) -> list[str]:
    """What CUDA sees of them: with the setting, all before the first entry that means no device; of parts, only one."""
    whole = [name for name in listed if name.startswith("GPU-")]
    visible: list[str] = []
    for entry in [str(place) for place in range(len(whole))] if setting is None else setting.split(","):
        name = _find(entry.strip(), whole, listed)
        if not name or name in visible:
            break
        visible.append(name)
    return visible if listed == whole else visible[:1]


def _find(entry: str, whole: list[str], listed: list[str]) -> str:
    """The device that an entry means, by its place or by the beginning of its identifier; empty for none."""
    if entry.isdecimal():
        return whole[int(entry)] if int(entry) < len(whole) else ""
    if not entry.startswith(("GPU-", "MIG-")):
        return ""
    return next((name for name in listed if name.startswith(entry)), "")


def _torch_is_for_cuda() -> bool:
    found = find_spec("torch")
    if found is None or found.origin is None:
        return False
    try:
        text = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^cuda\b[^=]*= *['\"]", text, re.MULTILINE) is not None
