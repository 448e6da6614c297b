"""Weights from one number format to another, a piece at a time, so that a file larger than memory goes through.

Owns the reading and writing of safetensors files: 8 bytes with the header's length, a JSON header, the tensors one
after the other (https://github.com/huggingface/safetensors). Its library wants all tensors of a file in memory to write
them, and maps a file in a way that Linux refuses to those larger than memory; a transformer may be one of 25 GB.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from generation.engine.exceptions import ModelBroken

# Eight-bit floats are not here: they belong to a scheme of quantisation.
_FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_WORDS = {dtype: word for word, dtype in _FLOATS.items()}
_ALIGNMENT = 8
_PIECE = 1 << 22  # numbers


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where one tensor lies after the header; `word` is its format as safetensors calls it."""

    name: str
    word: str
    shape: list[int]
    start: int
    end: int

    @property
    def count(self) -> int:
        return math.prod(self.shape)


def needs_conversion(path: Path, dtype: torch.dtype) -> bool:
    """Whether the file holds floating-point numbers of another format. Raises ModelBroken if it is not whole."""
    return any(tensor.word in _FLOATS and _FLOATS[tensor.word] != dtype for tensor in read_tensors(path))


def convert(source: Path, target: Path, dtype: torch.dtype) -> None:
    """Write to `target` what `source` holds, floating-point numbers as `dtype`. Raises ModelBroken or OSError."""
    with source.open("rb") as old, target.open("wb") as new:
        tensors, metadata, begin = _read_header(old, source)
        new.write(_header(tensors, metadata, dtype))
        for tensor in tensors:
            old.seek(begin + tensor.start)
            _copy(old, new, tensor, dtype)


def read_tensors(path: Path) -> list[Tensor]:
    """What the file holds, in the order of its bytes. Raises ModelBroken if it is not whole."""
    with path.open("rb") as file:
        return _read_header(file, path)[0]


def converted_size(size: int, tensors: Iterable[tuple[str, int]], dtype: torch.dtype) -> int:
    """How large a file of `size` bytes becomes, given the format and the number of values of each of its tensors."""
    return size - sum((_FLOATS[word].itemsize - dtype.itemsize) * count for word, count in tensors if word in _FLOATS)


def _read_header(file: BinaryIO, path: Path) -> tuple[list[Tensor], Any, int]:
    """Its tensors, its metadata and where the first tensor begins."""
    length, size = int.from_bytes(file.read(8), "little"), path.stat().st_size
    try:
        if length > size:
            raise ValueError(length)
        header = json.loads(file.read(length))
        metadata = header.pop("__metadata__", {"format": "pt"})
        tensors = [Tensor(name, one["dtype"], one["shape"], *one["data_offsets"]) for name, one in header.items()]
        tensors.sort(key=lambda tensor: (tensor.start, tensor.end))
        ends = [0, *(tensor.end for tensor in tensors)]
        if [tensor.start for tensor in tensors] != ends[:-1] or 8 + length + ends[-1] != size:
            raise ValueError(ends[-1])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelBroken(
            f"{path.name} is no whole safetensors file; get the model anew or choose another one."
        ) from error
    return tensors, metadata, 8 + length


def _header(tensors: list[Tensor], metadata: Any, dtype: torch.dtype) -> bytes:
    entries: dict[str, Any] = {"__metadata__": metadata}
    offset = 0
    for tensor in tensors:
        is_float = tensor.word in _FLOATS
        end = offset + (tensor.count * dtype.itemsize if is_float else tensor.end - tensor.start)
        word = _WORDS[dtype] if is_float else tensor.word
        entries[tensor.name] = {"dtype": word, "shape": tensor.shape, "data_offsets": [offset, end]}
        offset = end
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    return len(header).to_bytes(8, "little") + header


def _copy(old: BinaryIO, new: BinaryIO, tensor: Tensor, dtype: torch.dtype) -> None:
    stored = _FLOATS.get(tensor.word, torch.uint8)
    wanted = dtype if tensor.word in _FLOATS else torch.uint8
    left = tensor.end - tensor.start
    while left:
        piece = bytearray(old.read(min(left, _PIECE * stored.itemsize)))
        if not piece:
            raise ModelBroken(f"{tensor.name} ends too early; leave the model's files alone and run again.")
        left -= len(piece)
        numbers = torch.frombuffer(piece, dtype=stored).to(wanted)
        new.write(numbers.view(torch.uint8).numpy().data)
