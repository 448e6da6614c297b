"""Settings from picture files: ours, those of other tools as they write them, and files made to do harm."""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from dataclasses import asdict
from typing import Any

import PIL.Image
import pytest

from gallery import storing
from gallery.metadata import settings as picture_settings
from gallery.metadata.settings import NoSettings
from gallery.metadata.texts import LONGEST_TEXT, NotAPicture
from tests.factories import INFOTEXT, make_picture, make_png

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


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(100),
        b"<svg/>" * 1000,
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"short"),
        b"RIFF\xff\xff\xff\x7fWEBPVP8X" + bytes(100),
        b"\xff\xd8\xff\xe1\xff\xffExif\0\0",
        bare_png(width=2**31 - 1, height=2**31 - 1),
        bare_png(chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(100_000_000), 9))),
        bare_png(*[chunk(b"zTXt", b"k%d\0\0" % n + zlib.compress(bytes(LONGEST_TEXT))) for n in range(100)]),
        b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt", b"") * 400_000,
    ],
    ids=["empty", "gif", "svg", "cut", "short header", "webp", "jpeg", "vast", "bomb", "bombs", "chunks"],
)
def test_what_is_no_picture_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(NotAPicture, match=r"PNG, JPEG or WebP"):
        read(content)


DEEP = "[" * 200_000


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"Comment": "Created with GIMP"},
        {"parameters": "just a prompt"},
        {"parameters": "Steps: many, Seed: none, Sampler: Euler"},
        {"parameters": "a" * (LONGEST_TEXT + 1) + "\nSteps: 8, Seed: 1"},
        {"parameters": "{"},
        {"parameters": "[]"},
        {"parameters": DEEP},
        {"parameters": '{"sui_image_params": 3}'},
        {"parameters": '{"sui_image_params": {"steps": {}, "seed": [1], "prompt": 7, "cfgscale": NaN}}'},
        {"parameters": '{"sui_image_params": {"seed": ' + "9" * 4_000 + "}}"},
        {"parameters": '{"sui_image_params": {"seed": ' + "9" * 400_000 + "}}"},
        {"parameters": '{"sui_image_params": {"seed": -1, "steps": 1e999, "prompt": "\\ud800\\u0000"}}'},
        {"zimageweb": '{"record": 3, "seed": true}'},
        {"invokeai_metadata": "null"},
        {"prompt": DEEP},
        {"prompt": "{}"},
        {"prompt": '{"1": 3, "2": {"inputs": []}, "3": {"inputs": {"latent_image": 1, "positive": {}}}}'},
        {"prompt": '{"1": {"inputs": {"latent_image": ["1", 0], "positive": ["1", 0], "seed": ["1", 0]}}}'},
        {"Software": "NovelAI"},
        {"Software": "NovelAI", "Comment": "{}"},
    ],
)
def test_nonsense_is_no_settings(texts: dict[str, str]) -> None:
    with pytest.raises(NoSettings, match="does not tell"):
        read(make_png(texts))


def test_one_tools_nonsense_does_not_hide_anothers_settings() -> None:
    assert read(make_png({"zimageweb": DEEP, "parameters": INFOTEXT}))["source"] == "AUTOMATIC1111"


def test_links_that_fan_out_and_run_in_circles_end() -> None:
    links = {f"in{n}": [str(n), 0] for n in range(100)}
    graph: dict[str, Any] = {str(n): {"class_type": "X", "inputs": links} for n in range(100)}
    graph["s"] = {"inputs": {"latent_image": ["0", 0], "positive": ["1", 0], "negative": ["2", 0], "seed": 4}}
    assert read(make_png({"prompt": json.dumps(graph)}))["seed"] == 4


@pytest.mark.parametrize(
    "line", ['a: "' * 100_000, "a" * 400_000, "a:" * 200_000, 'a:"' + "\\" * 400_000, 'a: "\\",' * 70_000]
)
def test_lines_made_to_be_slow_are_not(line: str) -> None:
    told = read(make_png({"parameters": f"fox\n{line}, Steps: 8, Seed: 1\n{line} Steps: Seed:\nSteps: 8, Seed: 1"}))
    assert (told["steps"], told["seed"]) == (8, 1)


def test_control_characters_never_reach_the_form() -> None:
    told = read(make_png({"zimageweb": json.dumps({"prompt": "a\x00\x1b[31m\ud800 fox\r\n\tin snow", "seed": 1})}))
    assert told["prompt"] == "a[31m fox\n\tin snow"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_broken_files_never_raise_anything_else(kind: str) -> None:
    whole = {
        "PNG": make_png({"parameters": INFOTEXT, "prompt": json.dumps(COMFYUI)}),
        "JPEG": with_exif("JPEG", b"UNICODE\0" + INFOTEXT.encode("utf-16-be"), model="prompt:{}"),
        "WEBP": with_exif("WEBP", b"UNICODE\0" + INFOTEXT.encode("utf-16-be"), model="prompt:{}"),
    }[kind]
    chance = random.Random(4)
    for _ in range(400):
        broken = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.randrange(1, 8)):
            if broken:
                broken[chance.randrange(min(len(broken), 3_000))] = chance.randrange(256)
        try:
            read(bytes(broken))
        except (NotAPicture, NoSettings):
            continue
