"""What a picture was drawn with, read from the file: ours, and those of the tools that people come from.

Own code, not sd-parsers: that decodes the pixels, keeps one person's text in a global and cannot read quoted values.
Knows no model and no limit of this site. Whatever the file says is checked to be text or a number of sane size.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from django.utils.translation import gettext as _

from gallery.metadata import comfyui, infotext
from gallery.metadata.texts import PictureText
from gallery.metadata.texts import read as read_texts

_LARGEST_NUMBER = 2**64  # seeds of other tools have up to 64 bits
_LARGEST_SIDE = 100_000  # pixels
_MOST_LORAS = 20
# Control characters, and halves of characters that JSON can smuggle in; tabs and line ends are text.
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class NoSettings(Exception):
    """The picture is one, but tells nothing that could be reused; `str()` is a sentence for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSettings:
    """Settings as the picture tells them, None where it does not. `source` is the name of the tool that drew it.

    `guidance` counts as Z-Image does: 0 is none. `style` is "" where the prompt says all.
    """

    source: str
    prompt: str | None
    negative_prompt: str
    width: int
    height: int
    steps: int | None
    seed: int | None
    guidance: float | None
    style: str
    loras: tuple[tuple[str, float], ...] = ()  # names and weights
    variation: float | None = None  # only ours have one


def read(file: IO[bytes]) -> PictureSettings:
    """Raises NotAPicture or NoSettings."""
    picture = read_texts(file)
    for reader in _READERS:
        try:
            found = reader(picture.texts)
        except (LookupError, TypeError, ValueError, RecursionError):  # not this tool's, or nonsense
            continue
        settings = _checked(found, picture)
        if settings.prompt or settings.steps or settings.seed is not None:
            return settings
    raise NoSettings(_("This picture does not tell how it was drawn. Its settings may have been removed on the way."))


# -- the tools --------------------------------------------------------------------------------------------------------
# Each reader takes a picture's texts by keyword, gives values under the names of `PictureSettings` and raises if the
# texts are not its tool's. `cfg` is guidance as the other tools count it.


def _own(texts: Mapping[str, str]) -> dict[str, Any]:
    told = _object(texts["zimageweb"])
    record = told.get("record")
    kept = record if isinstance(record, dict) else {}
    ours = {name: kept.get(name) for name in ("negative_prompt", "variation")}
    return told | {"source": "Zimageweb"} | ours


def _infotext(texts: Mapping[str, str]) -> dict[str, Any]:
    prompt, negative, facts = infotext.read(texts["parameters"])
    size = re.fullmatch(r"(\d{1,6})x(\d{1,6})", facts.get("Size", ""))
    version = facts.get("Version", "")
    own = version.startswith("Zimageweb")
    return {
        "source": "Zimageweb" if own else "Forge" if version.startswith(("f", "neo")) else "AUTOMATIC1111",
        "prompt": prompt,
        "negative_prompt": negative,
        "width": size and size[1],
        "height": size and size[2],
        "steps": facts["Steps"],
        "seed": facts["Seed"],
        "cfg": facts.get("CFG scale"),
        "style": facts.get("Style") if own else "",
    }


def _json_parameters(texts: Mapping[str, str]) -> dict[str, Any]:
    """SwarmUI and Fooocus put JSON under the same keyword; NovelAI does in its WebP files."""
    told = _object(texts["parameters"])
    if "sui_image_params" in told:
        return _flat("SwarmUI", told["sui_image_params"])
    if "Comment" in told:
        return _novelai(told)
    size = re.search(r"(\d{1,6})\D+(\d{1,6})", str(told["resolution"]))
    return _flat("Fooocus", told) | ({"width": size[1], "height": size[2]} if size else {})


def _invokeai(texts: Mapping[str, str]) -> dict[str, Any]:
    return _flat("InvokeAI", _object(texts["invokeai_metadata"]))


def _comfyui(texts: Mapping[str, str]) -> dict[str, Any]:
    return comfyui.read(_object(texts["prompt"])) | {"source": "ComfyUI"}


def _novelai(texts: Mapping[str, str]) -> dict[str, Any]:
    if not texts["Software"].startswith("NovelAI"):
        raise ValueError("another tool's comment")
    return {"prompt": texts.get("Description")} | _flat("NovelAI", _object(texts["Comment"]))


_READERS = (_own, _infotext, _json_parameters, _invokeai, _comfyui, _novelai)

_NAMES = {
    "prompt": ("prompt", "positive_prompt"),
    "negative_prompt": ("negative_prompt", "negativeprompt", "uc"),
    "width": ("width",),
    "height": ("height",),
    "steps": ("steps",),
    "seed": ("seed",),
    "cfg": ("cfg_scale", "cfgscale", "guidance_scale", "scale"),
}


def _flat(source: str, told: dict[str, Any]) -> dict[str, Any]:
    found = {ours: told[name] for ours, names in _NAMES.items() for name in names if name in told}
    return found | {"source": source}


def _object(text: str) -> dict[str, Any]:
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError("no JSON object")
    return told


# -- checking ---------------------------------------------------------------------------------------------------------


def _checked(found: dict[str, Any], picture: PictureText) -> PictureSettings:
    """Where the size is not told, or makes no sense, it is that of the picture itself."""
    width, height = _whole(found.get("width"), _LARGEST_SIDE), _whole(found.get("height"), _LARGEST_SIDE)
    if not width or not height:
        width, height = picture.width, picture.height
    return PictureSettings(
        source=found["source"],
        prompt=_text(found.get("prompt")) or None,
        negative_prompt=_text(found.get("negative_prompt")),
        width=width,
        height=height,
        steps=_whole(found.get("steps")) or None,
        seed=_whole(found.get("seed")),
        guidance=_guidance(found),
        style=_text(found.get("style")),
        loras=tuple(_loras(found)),
        variation=_number(found.get("variation")),
    )


def _loras(found: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """What our own record says; the others' names mean files of theirs."""
    record = found.get("record")
    told = record.get("loras") if isinstance(record, dict) else None
    for lora in told[:_MOST_LORAS] if isinstance(told, list) else []:
        name, weight = (_text(lora.get("name")), lora.get("weight")) if isinstance(lora, dict) else ("", None)
        if name and isinstance(weight, int | float) and -_LARGEST_NUMBER < weight < _LARGEST_NUMBER:
            yield name, float(weight)


def _guidance(found: dict[str, Any]) -> float | None:
    guidance = _number(found.get("guidance"))
    cfg = _number(found.get("cfg"))
    if cfg is not None and found.get("guidance") is None:
        guidance = max(0.0, round(cfg - 1, 4))  # there 1 is none: see storing.parameters_text
    return guidance


def _text(value: object) -> str:
    return _NO_TEXT.sub("", value.replace("\r\n", "\n")).strip() if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    """A number, also one in a string, from 0 up to what a seed may be."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= _LARGEST_NUMBER else None


def _whole(value: object, most: int = _LARGEST_NUMBER) -> int | None:
    number = _number(value)
    if number is None or number != int(number):
        return None
    # A seed of 64 bits is more than a float holds exactly.
    exact = int(value if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else number)
    return exact if exact <= most else None
