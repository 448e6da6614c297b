"""Picture files with settings inside, as this site and other tools write them, byte by byte where no library would."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import asdict
from typing import Any

import PIL.Image

from gallery.metadata import settings as picture_settings
from tests.factories import make_picture

COMFYUI: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1125899906842625,
            "steps": 9,
            "cfg": 1.0,
            "sampler_name": "res_multistep",
            "scheduler": "simple",
            "denoise": 1.0,
            "model": ["11", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["13", 0],
        },
    },
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["12", 0]}},
    "7": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}},
    "11": {"class_type": "UNETLoader", "inputs": {"unet_name": "z_image_turbo_bf16.safetensors"}},
    "12": {"class_type": "CLIPLoader", "inputs": {"clip_name": "qwen_3_4b.safetensors", "type": "lumina2"}},
    "13": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 832, "height": 1216, "batch_size": 1}},
}


def with_exif(kind: str, comment: bytes = b"", **tags: str) -> bytes:
    exif = PIL.Image.Exif()
    if comment:
        exif.get_ifd(0x8769)[0x9286] = comment
    for name, value in tags.items():
        exif[{"model": 0x0110}[name]] = value
    file = io.BytesIO()
    make_picture().save(file, kind, exif=exif)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bare_png(*chunks: bytes, width: int = 64, height: int = 64) -> bytes:
    """Header and chunks, and pixels that nobody could decode."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b"")


def read(content: bytes) -> dict[str, Any]:
    return asdict(picture_settings.read(io.BytesIO(content)))
