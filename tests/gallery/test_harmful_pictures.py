"""Picture files that are broken or made to do harm, where settings are read from them."""

from __future__ import annotations

import json
import random
import zlib
from typing import Any

import pytest

from gallery.metadata.settings import NoSettings
from gallery.metadata.texts import LONGEST_TEXT, NotAPicture
from tests.factories import INFOTEXT, make_png

from .picture_files import COMFYUI, bare_png, chunk, read, with_exif


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
