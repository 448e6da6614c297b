"""Prepared models whose weights lie packed on the disk: what may still be asked of them when they are loaded.

The record of such a model names its quantization. It cannot be taken back, nor does another one go on top of it, and
what stays unpacked goes with one number format alone.
"""

from __future__ import annotations

from collections.abc import Collection

from generation.engine.exceptions import EngineError
from generation.engine.plan import PACKAGE_OF, Wishes
from generation.engine.prepared import read_record
from generation.engine.sources import Source
from generation.engine.types import EngineOptions


def wishes(source: Source, options: EngineOptions, device: str, packages: Collection[str]) -> Wishes:
    """What `options` ask for, with what the model itself insists on. `device` is "cuda", "mps" or "cpu".

    Raises EngineError where options or machine do not go with weights that are packed already.
    """
    dtype = options.dtype if options.dtype != "auto" else source.dtype
    quantization = options.quantization
    record = read_record(source.folder) if source.folder else None
    if record and record.quantization != "none":
        packed = f"{record.id}, which was prepared with {record.quantization} weights"
        if quantization not in ("auto", record.quantization):
            raise EngineError(
                f"ZIMAGE_QUANTIZATION={quantization} does not go with {packed}; set it to auto, or run `manage.py "
                f"prepare_model {record.id} --quantization {quantization}`."
            )
        if options.dtype not in ("auto", record.dtype):
            raise EngineError(
                f"ZIMAGE_DTYPE={options.dtype} does not go with {packed} in {record.dtype}; set it to auto."
            )
        package = PACKAGE_OF[record.quantization]
        if package not in packages:
            raise EngineError(
                f"The package {package} is not installed, and ZIMAGE_MODEL is {packed}; run .venv/bin/pip install "
                f"{package}, or prepare it with --quantization none."
            )
        if record.quantization == "4bit" and device != "cuda":
            raise EngineError(
                f"ZIMAGE_MODEL is {packed}, which need a CUDA device, and this is {device}; prepare it with "
                "--quantization int8 or none."
            )
        dtype, quantization = record.dtype, record.quantization
    return Wishes(dtype=dtype, quantization=quantization, offload=options.offload, compile=options.compile)
