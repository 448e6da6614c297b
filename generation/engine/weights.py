"""How large a model is, read from the headers of its files: nothing of the weights themselves is loaded.

Knows the layout of a pipeline's folder and of safetensors (https://huggingface.co/docs/safetensors), and no torch.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from generation.engine.plan import ModelSize, PartSize

NATIVE_TOKENS = 4096
"""Image tokens of the largest picture that the sampler's schedule was made for, where its configuration does not say:
`ZImagePipeline` takes the same."""

_LONGEST_HEADER = 100 << 20  # as in safetensors itself
# How torchao and bitsandbytes call what they pack, and what belongs to it.
_EIGHT_BITS, _FOUR_BITS = "._weight_qdata", ".quant_state.bitsandbytes__nf4"
_SCALE = re.compile(r"\._weight_(scale|zero_point)$|\.weight\.(absmax|quant_map|nested_\w+|quant_state\.\w+)$")
_BLOCK = re.compile(r"^(.*?\.\d+)\.")


def measure(folder: Path, transformer: Path | None = None, *, native_pixels: int | None = None) -> ModelSize:
    """Sizes of the pipeline in `folder`, its transformer replaced by the file `transformer` if there is one.

    Raises OSError, ValueError, KeyError or TypeError where a file is missing, cut short or misshapen.
    """
    denoiser, vae = _configuration(folder / "transformer"), _configuration(folder / "vae")
    scheduler = _configuration(folder / "scheduler", "scheduler_config.json")
    widths = vae["block_out_channels"]
    token_pixels = (2 ** (len(widths) - 1) * denoiser["all_patch_size"][0]) ** 2
    return ModelSize(
        transformer=_file_size(transformer) if transformer else _folder_size(folder / "transformer"),
        text_encoder=_folder_size(folder / "text_encoder"),
        vae=_folder_size(folder / "vae"),
        width=denoiser["dim"],
        token_pixels=token_pixels,
        decoder_width=widths[min(1, len(widths) - 1)],
        native_pixels=native_pixels or scheduler.get("max_image_seq_len", NATIVE_TOKENS) * token_pixels,
    )


def is_gguf(file: Path) -> bool:
    return file.suffix.lower() == ".gguf"


def read_header(path: Path) -> dict[str, list[int]]:
    """Names and shapes of the tensors in a safetensors file. ValueError if it is none or is cut short."""
    size, length, header = _header(path)
    header.pop("__metadata__", None)
    if 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0) != size:
        raise ValueError(f"{path} is not as long as its header says.")
    return {name: entry["shape"] for name, entry in header.items()}


def read_metadata(path: Path) -> dict[str, Any]:
    """What the file's maker says of it; values should be text, but nobody checks. ValueError as `read_header`."""
    said = _header(path)[2].get("__metadata__")
    return said if isinstance(said, dict) else {}


def _header(path: Path) -> tuple[int, int, dict[str, Any]]:
    """The file's size, and its header: how long, and what it holds."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
            raise ValueError(f"{path} has no header of a safetensors file.")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError(f"{path} has no header of a safetensors file.")
    return size, length, header


def _file_size(path: Path) -> PartSize:
    if is_gguf(path):
        return PartSize(stored=path.stat().st_size)
    return count(read_header(path).items())


def _folder_size(folder: Path) -> PartSize:
    """Over all shards; a folder without weights counts nothing, and loading says what is wrong with it."""
    return count(entry for path in sorted(folder.glob("*.safetensors")) for entry in read_header(path).items())


def count(tensors: Iterable[tuple[str, list[int]]]) -> PartSize:
    """A matrix is taken for the weight of a linear layer, unless it is an embedding, which is never quantized."""
    plain = linear = 0
    blocks: Counter[str] = Counter()
    for name, shape in _unpacked(dict(tensors)):
        parameters = math.prod(shape)
        if len(shape) == 2 and name.endswith(".weight") and "embed_tokens" not in name:
            linear += parameters
            if found := _BLOCK.match(name):
                blocks[found[1]] += parameters
        else:
            plain += parameters
    return PartSize(plain=plain, linear=linear, largest_block=max(blocks.values(), default=0))


def _unpacked(tensors: dict[str, list[int]]) -> Iterator[tuple[str, list[int]]]:
    """Packed weights as they were before, without the scales that lie beside them."""
    for name, shape in tensors.items():
        if name.endswith(_EIGHT_BITS):
            yield name.removesuffix(_EIGHT_BITS) + ".weight", shape
        elif name + _FOUR_BITS in tensors:  # two in a byte, in one column
            yield name, [shape[0], 2]
        elif not _SCALE.search(name):
            yield name, shape


def _configuration(folder: Path, name: str = "config.json") -> dict[str, Any]:
    said = json.loads((folder / name).read_text(encoding="utf-8"))
    if not isinstance(said, dict):
        raise ValueError(f"{folder / name} is no object.")
    return said
