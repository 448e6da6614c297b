"""Weights keep their names, shapes and values from one number format to another, and need little memory on the way."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from generation.engine.preparing.converting import convert, converted_size, needs_conversion, read_tensors

from .test_loading import run

_UNDER_A_LIMIT = """
import resource, sys, torch
from pathlib import Path
from generation.engine.preparing.converting import convert
held = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData:")) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (held + 64_000_000, held + 64_000_000))
convert(Path(sys.argv[1]), Path(sys.argv[2]), torch.bfloat16)
"""


def test_floats_are_converted_and_all_else_stays(tmp_path: Path) -> None:
    tensors = {
        "wide": torch.randn(3, 5),
        "half": torch.randn(4).half(),
        "double": torch.randn(2, 2).double(),
        "right": torch.randn(7).bfloat16(),
        "scalar": torch.tensor(0.5),
        "empty": torch.empty(0, 3),
        "whole": torch.arange(3),
        "flags": torch.tensor([True, False, True]),
        "eight": torch.randn(5).to(torch.float8_e4m3fn),
    }
    source, target = tmp_path / "source.safetensors", tmp_path / "target.safetensors"
    save_file(tensors, source, metadata={"format": "pt", "by": "somebody"})
    assert needs_conversion(source, torch.bfloat16)
    convert(source, target, torch.bfloat16)
    assert not needs_conversion(target, torch.bfloat16)
    found = load_file(target)
    assert set(found) == set(tensors)
    for name, tensor in tensors.items():
        kept = tensor if name in {"whole", "flags", "eight"} else tensor.to(torch.bfloat16)
        assert found[name].dtype == kept.dtype
        assert found[name].shape == kept.shape
        assert torch.equal(found[name].reshape(-1).view(torch.uint8), kept.reshape(-1).view(torch.uint8)), name
    estimate = converted_size(
        source.stat().st_size, [(one.word, one.count) for one in read_tensors(source)], torch.bfloat16
    )
    assert abs(target.stat().st_size - estimate) < 100


def test_a_large_file_goes_through_little_memory(tmp_path: Path) -> None:
    source, target = tmp_path / "source.safetensors", tmp_path / "target.safetensors"
    save_file({f"layer.{number}": torch.full((2048, 1024), float(number)) for number in range(32)}, source)
    assert source.stat().st_size > 4 * 64_000_000
    result = run(_UNDER_A_LIMIT, str(source), str(target))
    assert result.returncode == 0, result.stderr
    assert load_file(target)["layer.31"][0, 0] == 31
