"""Settings from picture files: ours, and those of other tools as they write them."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from gallery import storing
from tests.factories import INFOTEXT, make_picture, make_png

from .picture_files import COMFYUI, bare_png, chunk, read, with_exif

COMFYUI_PARTS: dict[str, Any] = {
    "1": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {
            "noise": ["2", 0],
            "guider": ["3", 0],
            "sampler": ["4", 0],
            "sigmas": ["5", 0],
            "latent_image": ["6", 0],
        },
    },
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["9", 0]}},
    "3": {"class_type": "CFGGuider", "inputs": {"cfg": 4, "positive": ["7", 0], "negative": ["8", 0]}},
    "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 20, "denoise": 1}},
    "6": {"class_type": "EmptyLatentImage", "inputs": {"width": ["10", 0], "height": ["10", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["11", 0]}},
    "8": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry"}},
    "9": {"class_type": "PrimitiveInt", "inputs": {"value": 5}},
    "10": {"class_type": "PrimitiveInt", "inputs": {"value": 768}},
    "11": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a red fox"}},
    # A second pass that enlarges what the first drew.
    "0": {
        "class_type": "KSampler",
        "inputs": {"seed": 6, "steps": 4, "cfg": 2, "positive": ["7", 0], "latent_image": ["12", 0]},
    },
    "12": {"class_type": "LatentUpscale", "inputs": {"samples": ["1", 0], "width": 1536, "height": 1536}},
}
INVOKEAI = {
    "generation_mode": "txt2img",
    "positive_prompt": "a red fox",
    "negative_prompt": "blurry",
    "width": 640,
    "height": 512,
    "seed": 77,
    "cfg_scale": 7.5,
    "steps": 25,
    "scheduler": "euler",
    "model": {"key": "k", "name": "sdxl", "base": "sdxl", "type": "main"},
    "app_version": "5.10.0",
}
SWARMUI = {
    "sui_image_params": {
        "prompt": "a red fox",
        "negativeprompt": "",
        "model": "z_image",
        "seed": 11,
        "steps": 8,
        "cfgscale": 1.0,
        "aspectratio": "1:1",
        "swarm_version": "0.9.7.0",
    },
    "sui_extra_data": {"date": "2026-01-01"},
}
NOVELAI = {"prompt": "1girl, fox", "steps": 28, "height": 1216, "width": 832, "scale": 5.0, "seed": 3, "uc": "lowres"}
FOOOCUS = {
    "prompt": "a red fox",
    "negative_prompt": "",
    "steps": 30,
    "guidance_scale": 4,
    "seed": "12",
    "resolution": "(1152, 896)",
    "version": "Fooocus v2.5.5",
}


FOX = {"prompt": "a red fox", "negative_prompt": "", "style": "", "loras": (), "variation": None}


def test_ours_come_back_as_they_were() -> None:
    facts = storing.DrawnPicture(
        prompt="赤狐 🦊\nNegative prompt: no,\nSteps: 3, Seed: 1",
        style="ink-wash",
        width=96,
        height=64,
        steps=8,
        guidance=2.5,
        seed=2**53 - 1,
        model="one, two",
        record={"negative_prompt": "blurry", "loras": [{"name": "styles/oil", "weight": -0.5, "sha256": "00"}]},
    )
    told = read(storing.encode(make_picture(), facts).png)
    names = ("prompt", "style", "width", "height", "steps", "guidance", "seed")
    assert {name: told[name] for name in names} == {name: getattr(facts, name) for name in names}
    assert (told["source"], told["negative_prompt"]) == ("Zimageweb", "blurry")
    assert told["loras"] == (("styles/oil", -0.5),)


@pytest.mark.parametrize(
    "loras",
    [
        "ink",
        {"name": "ink"},
        [1],
        [{"name": 1, "weight": 1}],
        [{"name": "", "weight": 1}],
        [{"name": "ink", "weight": "1"}],
        [{"name": "ink", "weight": float("nan")}],
        [{"name": "ink", "weight": 10**400}],
    ],
)
def test_nonsense_for_loras_is_none(loras: object) -> None:
    ours = {"prompt": "a red fox", "steps": 8, "seed": 1, "record": {"loras": loras}}
    told = read(make_png({"zimageweb": json.dumps(ours)}))
    assert (told["prompt"], told["loras"]) == ("a red fox", ())


def test_ours_come_back_from_the_parameters_alone() -> None:
    facts = storing.DrawnPicture(
        prompt="a red fox", style="photo", width=96, height=64, steps=8, guidance=2.5, seed=1, model='"A": 1, 2'
    )
    told = read(make_png({"parameters": storing.parameters_text(facts)}))
    assert told == FOX | {
        "source": "Zimageweb", "style": "photo", "width": 96, "height": 64, "steps": 8, "guidance": 2.5, "seed": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            {"parameters": INFOTEXT},
            {"source": "AUTOMATIC1111", "prompt": "a red fox, (snow:1.2),\nlow sun", "negative_prompt": "blurry,\nugly",
             "width": 512, "height": 768, "steps": 30, "seed": 9988776655, "guidance": 6.5},
        ),
        (
            {"parameters": "a red fox\nSteps: 8, Sampler: Euler, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 5, "
                           "Size: 1024x1024, Version: f2.0.1v1.10.1-previous-659-gc055f2d4\nTemplate: a {red} fox"},
            FOX | {"source": "Forge", "width": 1024, "height": 1024, "steps": 8, "seed": 5, "guidance": 0},
        ),
        (
            {"invokeai_metadata": json.dumps(INVOKEAI), "invokeai_graph": "{}"},
            FOX | {"source": "InvokeAI", "negative_prompt": "blurry",
                   "width": 640, "height": 512, "steps": 25, "seed": 77, "guidance": 6.5},
        ),
        (
            {"prompt": json.dumps(COMFYUI), "workflow": "{}"},
            FOX | {"source": "ComfyUI", "width": 832, "height": 1216,
                   "steps": 9, "seed": 1125899906842625, "guidance": 0},
        ),
        (
            {"prompt": json.dumps(COMFYUI_PARTS)},
            FOX | {"source": "ComfyUI", "negative_prompt": "blurry",
                   "width": 768, "height": 768, "steps": 20, "seed": 5, "guidance": 3},
        ),
        (
            {"parameters": json.dumps(SWARMUI)},  # tells no size: that of the picture stands in
            FOX | {"source": "SwarmUI", "width": 96, "height": 64, "steps": 8, "seed": 11, "guidance": 0},
        ),
        (
            {"Title": "NovelAI generated image", "Software": "NovelAI", "Source": "NovelAI Diffusion V4 37442FCA",
             "Description": "1girl, fox", "Comment": json.dumps(NOVELAI)},
            {"source": "NovelAI", "prompt": "1girl, fox", "negative_prompt": "lowres",
             "width": 832, "height": 1216, "steps": 28, "seed": 3, "guidance": 4},
        ),
        (
            {"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"},
            FOX | {"source": "Fooocus", "width": 1152, "height": 896, "steps": 30, "seed": 12, "guidance": 3},
        ),
    ],
    ids=["AUTOMATIC1111", "Forge", "InvokeAI", "ComfyUI", "ComfyUI parts", "SwarmUI", "NovelAI", "Fooocus"],
)  # fmt: skip
def test_what_other_tools_write_is_read(texts: dict[str, str], expected: dict[str, Any]) -> None:
    assert read(make_png(texts)) == {"style": "", "loras": (), "variation": None} | expected


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
def test_settings_are_read_from_exif_too(kind: str, encoding: str) -> None:
    comment = b"UNICODE\0" + INFOTEXT.replace("a red fox", "一只狐狸").encode(encoding)
    told = read(with_exif(kind, comment))
    assert (told["prompt"], told["seed"]) == ("一只狐狸, (snow:1.2),\nlow sun", 9988776655)
    assert read(with_exif(kind, b"ASCII\0\0\0" + json.dumps(SWARMUI).encode()))["source"] == "SwarmUI"
    assert read(with_exif(kind, model=f"prompt:{json.dumps(COMFYUI)}"))["height"] == 1216


def test_utf8_where_latin1_belongs_is_understood() -> None:
    text = "un café à 3 €\nSteps: 8, Sampler: Euler, Seed: 1"
    assert read(bare_png(chunk(b"tEXt", b"parameters\0" + text.encode())))["prompt"] == "un café à 3 €"


def test_compressed_texts_are_read() -> None:
    packed = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(INFOTEXT.encode()))
    assert read(bare_png(packed))["steps"] == 30
