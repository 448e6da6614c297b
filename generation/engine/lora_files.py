"""The folder of LoRAs that the operator keeps: names, trigger words, and which file a name stands for.

A name is the file's path inside the folder without `.safetensors`, such as `inkwash` or `styles/inkwash`. Reads headers
only, so that a worker can list hundreds; whether a file is whole is found out when it is used. Imports no torch.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from generation.engine.exceptions import EngineError, LoraUnusable
from generation.engine.types import EngineOptions
from generation.engine.weights import read_metadata

logger = logging.getLogger(__name__)

SUFFIX = ".safetensors"
LONGEST_NAME = 200  # characters

_MOST_TRIGGERS, _LONGEST_TRIGGER = 20, 100
# The first is of https://github.com/Stability-AI/ModelSpec; trainers write the others.
_TRIGGER_KEYS = ("modelspec.trigger_phrase", "trigger_phrase", "trigger_words", "trigger_word")
_NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")


def check(options: EngineOptions) -> None:
    """Raise EngineError where the options say something about LoRAs that makes no sense."""
    folder = options.lora_dir
    if folder is not None and not folder.is_dir():
        raise EngineError(f"ZIMAGE_LORA_DIR is {folder}, which is no folder; name the one that holds the LoRAs.")
    if folder is not None and options.compile:
        # Each LoRA changes the blocks: torch would compile them again for every one, and gives up after eight.
        raise EngineError("ZIMAGE_LORA_DIR does not go with ZIMAGE_COMPILE=on; leave out one of them.")


def listed(folder: Path | None) -> list[dict[str, Any]]:
    """`{"name", "triggers"}` of each LoRA in `folder` and below, by name."""
    if folder is None:
        return []
    found = []
    for root, below, files in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        for file in files:
            path = Path(root, file)
            if path.suffix == SUFFIX and not file.startswith("."):
                found.append((path.relative_to(folder).with_suffix("").as_posix(), path))
    return [{"name": name, "triggers": triggers(path)} for name, path in sorted(found) if _can_be_asked_for(name)]


def find(folder: Path | None, name: str) -> Path:
    """The file that `name` stands for, never one outside the folder. LoraUnusable if there is none."""
    parts = PurePosixPath(name).parts
    inside = name == "/".join(parts) and not any(part.startswith(".") for part in parts) and "\\" not in name
    if folder is not None and inside and "\x00" not in name and not PurePosixPath(name).is_absolute():
        file = folder.joinpath(*parts[:-1], parts[-1] + SUFFIX) if parts else folder
        if file.is_file():
            return file
    raise LoraUnusable(f"There is no LoRA “{name}” in ZIMAGE_LORA_DIR any more; choose another.")


def triggers(path: Path) -> list[str]:
    """The words that the file's maker says call for what it has learnt; none where it says nothing or is damaged."""
    try:
        said = read_metadata(path)
    except (OSError, ValueError, RecursionError):
        return []
    told = next((said[key] for key in _TRIGGER_KEYS if isinstance(said.get(key), str)), "")
    words = (_NO_TEXT.sub(" ", word).strip()[:_LONGEST_TRIGGER] for word in re.split("[,;\n]", told))
    return list(dict.fromkeys(word for word in words if word))[:_MOST_TRIGGERS]


def _can_be_asked_for(name: str) -> bool:
    fits = len(name) <= LONGEST_NAME and not _NO_TEXT.search(name) and "\\" not in name
    if not fits:
        logger.warning("The LoRA %r is left out: its name is too long or holds characters that are not text.", name)
    return fits
