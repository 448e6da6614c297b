"""The texts that a picture file carries beside its pixels: PNG text chunks, or EXIF in JPEG and WebP.

Owns what a stranger's file may cost: only so much of it is read, and pixels are never decoded. (Pillow's `.text`
would decode them; chunks that stand behind the pixels, where no tool puts its settings, are not seen.)
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import PIL.Image
from django.utils.translation import gettext as _
from PIL.PngImagePlugin import iTXt

LARGEST_FILE = 30_000_000  # bytes
LONGEST_TEXT = 1_000_000  # characters; Pillow unpacks no more than about as much
_HEAD = 4_000_000  # bytes of a PNG or JPEG that are looked at: their texts come before the pixels
FORMATS = ("PNG", "JPEG", "WEBP")

_EXIF_IFD, _USER_COMMENT, _CAMERA_MODEL = 0x8769, 0x9286, 0x0110

# What Pillow has been seen to raise for broken files. DecompressionBombError stands for sizes beyond all measure.
BROKEN = (
    PIL.Image.DecompressionBombError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class NotAPicture(Exception):
    """The file cannot be opened as a picture; `str()` is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class PictureText:
    """The texts of one picture, by keyword, and its size in pixels as its header tells it."""

    width: int
    height: int
    texts: Mapping[str, str]


def read(file: IO[bytes]) -> PictureText:
    """Raises NotAPicture for what is no readable PNG, JPEG or WebP."""
    head = file.read(_HEAD)
    if head[8:12] == b"WEBP":  # its EXIF comes last
        head += file.read(LARGEST_FILE - _HEAD)
    try:
        with PIL.Image.open(io.BytesIO(head), formats=FORMATS) as picture:
            width, height = picture.size
            found = _chunks(picture) if picture.format == "PNG" else _exif(picture)
    except BROKEN as error:
        raise NotAPicture(_("This file cannot be read as a PNG, JPEG or WebP picture.")) from error
    return PictureText(width, height, {name: text for name, text in found.items() if len(text) <= LONGEST_TEXT})


def _chunks(picture: PIL.Image.Image) -> dict[str, str]:
    return {str(name): _repaired(value) for name, value in picture.info.items() if isinstance(value, str)}


def _repaired(text: str) -> str:
    """Undo the reading of UTF-8 as Latin-1: the norm demands Latin-1 of tEXt and zTXt, and not every tool knows."""
    if isinstance(text, iTXt):
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _exif(picture: PIL.Image.Image) -> dict[str, str]:
    """EXIF under the names that the same tools give their PNG chunks."""
    exif = picture.getexif()
    found = {}
    comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if isinstance(comment, bytes):
        found["parameters"] = _comment_text(comment)
    # ComfyUI keeps its graph where a camera would write its model: "prompt:{…}".
    name, colon, graph = _text(exif.get(_CAMERA_MODEL)).partition(":")
    if colon and name == "prompt":
        found["prompt"] = graph
    return found


def _comment_text(comment: bytes) -> str:
    """A UserComment: eight bytes name the character code. `UNICODE` does not say in which order the bytes stand."""
    code, content = comment[:8], comment[8:]
    if code != b"UNICODE\0":
        return content.decode("utf-8", "replace")
    readings = [content.decode(encoding, "replace") for encoding in ("utf-16-be", "utf-16-le")]
    return max(readings, key=lambda text: sum(map(str.isascii, text)))  # settings hold much ASCII in any language


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
