"""`POST settings/from-image`: what a picture tells, fitted to the model; who may ask, and what is refused."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from gallery import storing
from gallery.metadata.settings import PictureSettings
from gallery.metadata.texts import LARGEST_FILE
from generation.catalogue import MAX_SEED, Model
from generation.fitting import fitted
from generation.parameters import Parameters
from tests.factories import INFOTEXT, make_image, make_picture, make_png
from zimageweb.environment import Rate
from zimageweb.models import ApiToken

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/api/v1/settings/from-image"


def send(client: Client, content: bytes, **headers: str) -> Any:
    return client.post(ADDRESS, {"file": SimpleUploadedFile("fox.png", content)}, headers=headers)


def found(**told: Any) -> PictureSettings:
    facts = {
        "source": "ComfyUI",
        "prompt": "a fox",
        "negative_prompt": "",
        "width": 1024,
        "height": 1024,
        "steps": 8,
        "seed": 1,
        "guidance": 0.0,
        "style": "",
    }
    return PictureSettings(**facts | told)


def test_ours_can_be_asked_for_again_as_they_are(as_alice: Client, alice: User) -> None:
    image = make_image(alice, prompt="雨中的灯塔", style="photo", width=128, height=64, guidance=1.5)
    answer = send(as_alice, image.file.read())
    body = answer.json()
    assert (answer.status_code, body["notes"], body["source"]) == (200, [], "Zimageweb")
    again = as_alice.post("/api/v1/generations", data=json.dumps(body), content_type="application/json")
    (row,) = again.json()["generations"]
    names = ("prompt", "style", "width", "height", "steps", "seed", "guidance")
    assert {name: row[name] for name in names} == {name: getattr(image, name) for name in names}


def test_another_tools_picture_is_fitted_and_every_change_is_told(as_alice: Client) -> None:
    body = send(as_alice, make_png({"parameters": INFOTEXT.replace("512x768", "500x770").replace("30", "300")})).json()
    assert (body["prompt"], body["seed"]) == ("a red fox, (snow:1.2),\nlow sun", 9988776655)
    assert (body["width"], body["height"], body["steps"], body["guidance"]) == (496, 768, 50, 0)
    assert body["notes"] == [
        "The size was changed from 500 × 770 to 496 × 768 pixels to suit the model.",
        "The negative prompt was left out: the model here does not use one.",
        "The steps were changed from 300 to 50, the most here.",
        "The guidance was left out: the model here does not use it.",
    ]


def test_the_notes_are_in_the_persons_language(as_alice: Client) -> None:
    with translation.override("en"):  # the request chooses another, and this thread would keep it
        body = send(as_alice, make_png({"parameters": INFOTEXT}), **{"Accept-Language": "zh-hans"}).json()
    assert body["notes"]
    assert all("model" not in note for note in body["notes"])


@pytest.mark.parametrize(
    ("told", "expected", "words"),
    [
        ({}, {}, []),
        ({"seed": MAX_SEED}, {}, []),
        ({"seed": MAX_SEED + 1}, {"seed": None}, ["seed"]),
        ({"prompt": "x" * 2_001}, {"prompt": "x" * 2_000}, ["2000"]),
        ({"prompt": None, "seed": None, "steps": None, "guidance": None}, {}, ["prompt"]),
        ({"style": "cubist"}, {"style": ""}, ["style"]),
        ({"width": 8192, "height": 8192}, {"width": 2048, "height": 2048}, ["8192 × 8192"]),
        ({"width": 100_000, "height": 1}, {"width": 2048, "height": 64}, ["100000 × 1"]),
        ({"guidance": 30.0, "source": "Zimageweb"}, {"guidance": 20.0}, ["guidance"]),
    ],
)
def test_each_value_is_kept_or_changed_with_a_note(told: dict, expected: dict, words: list[str]) -> None:
    result = dict(fitted(found(**told), Model()))
    notes, names = result.pop("notes"), ("prompt", "style", "width", "height", "steps", "guidance", "seed")
    assert {name: result[name] for name in names} == {name: getattr(found(**told | expected), name) for name in names}
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


@pytest.mark.parametrize("size", [(1, 1), (4096, 4100), (1500, 90), (3000, 1000), (99, 100_000), (1031, 1024)])
@pytest.mark.parametrize(
    "model",
    [Model(), Model(max_pixels=1_000_000, size_step=48, max_side=1_000), Model(min_side=512, default_guidance=4.0)],
)
def test_what_comes_out_can_always_be_asked_for(size: tuple[int, int], model: Model) -> None:
    told = found(width=size[0], height=size[1], guidance=99.0, steps=10**9, seed=2**64, prompt="y" * 5_000)
    answer = dict(fitted(told, model))
    assert answer.pop("notes")
    del answer["source"]
    Parameters.checked(model, **answer)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"no picture", "not_a_picture"), (make_png({}), "no_settings"), (make_png({"parameters": "{"}), "no_settings")],
)
def test_nothing_to_read_is_422_with_a_sentence(as_alice: Client, content: bytes, code: str) -> None:
    answer = send(as_alice, content)
    body = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert (body["code"], body["detail"][-1]) == (code, ".")


@pytest.mark.parametrize("fields", [{}, {"file": "text"}, {"other": io.BytesIO(b"x")}])
def test_a_form_without_the_file_is_422_and_names_it(as_alice: Client, fields: dict[str, Any]) -> None:
    answer = as_alice.post(ADDRESS, fields)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error) == (422, {"field": "file", "message": "This field is required."})


def test_a_broken_form_is_422(alice: User) -> None:
    """Not only with a token: the check against forged requests reads the form as well."""
    member, program = Client(), Client(headers={"Authorization": f"Bearer {ApiToken.issue(alice)}"})
    member.force_login(alice)
    for client in (member, program):
        answer = client.post(ADDRESS, data=b"--x", content_type="multipart/form-data; boundary=" + "é" * 300)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_file_beyond_30_megabytes_is_413(alice: User) -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(LARGEST_FILE)
    member, program = Client(), Client(headers={"Authorization": f"Bearer {ApiToken.issue(alice)}"})
    member.force_login(alice)
    for client in (member, program):
        answer = send(client, content)
        assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (413, "too_large", LARGEST_FILE)


def test_strangers_and_forged_requests_are_refused(alice: User) -> None:
    picture = make_png({"parameters": INFOTEXT})
    answer = send(Client(), picture)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    member = Client(enforce_csrf_checks=True)
    member.force_login(alice)
    assert send(member, picture).status_code == 403
    assert (
        send(Client(enforce_csrf_checks=True), picture, Authorization=f"Bearer {ApiToken.issue(alice)}").status_code
        == 200
    )


def test_reading_counts_as_asking(as_alice: Client, settings: Settings) -> None:
    settings.RATE_LIMIT = Rate(per_second=0.01, burst=1)
    codes = [send(as_alice, make_png({"parameters": INFOTEXT})).status_code for _ in range(2)]
    assert codes == [200, 429]


def test_nothing_is_kept(as_alice: Client, settings: Settings) -> None:
    drawn = storing.DrawnPicture(prompt="a secret", width=96, height=64, steps=8, seed=1)
    assert send(as_alice, storing.encode(make_picture(), drawn).png).status_code == 200
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    assert as_alice.get("/api/v1/images").json()["items"] == []
