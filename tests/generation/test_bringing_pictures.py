"""Bringing a picture to start from: what is kept of a file, and what is refused."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from gallery import inputs
from gallery.metadata.texts import LARGEST_FILE
from gallery.models import INPUT_KEPT, Input
from generation.services import starts
from tests.factories import as_file, make_image, make_input, make_picture

from .requesting import request, wrong_fields

pytestmark = pytest.mark.django_db(transaction=True)


def bring(client: Client, content: bytes) -> Any:
    return client.post("/api/v1/inputs", {"file": SimpleUploadedFile("fox.png", content)})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_kept_as_png_for_a_day(as_alice: Client, alice: User, kind: str) -> None:
    answer = bring(as_alice, as_file(make_picture(90, 60), kind))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["width"], body["height"]) == (90, 60)
    left = dt.datetime.fromisoformat(body["expires_at"]) - timezone.now()
    assert dt.timedelta(hours=23) < left <= dt.timedelta(days=1)
    (file,) = (Path(settings.MEDIA_ROOT) / "inputs" / str(alice.pk)).iterdir()
    with PIL.Image.open(file) as kept:
        assert (kept.format, kept.mode, kept.size) == ("PNG", "RGB", (90, 60))
    assert as_alice.get(f"/api/v1/inputs/{body['id']}").json() == body
    sent = as_alice.get(f"/api/v1/inputs/{body['id']}/file")
    assert b"".join(sent.streaming_content) == file.read_bytes()  # type: ignore[attr-defined]
    assert "private" in sent["Cache-Control"]


def test_it_is_nobody_elses(alice: User, bob: User, client: Client) -> None:
    kept, picture = make_input(alice), make_image(alice)
    client.force_login(bob)
    assert client.get(f"/api/v1/inputs/{kept.pk}").status_code == 404
    assert client.get(f"/api/v1/inputs/{kept.pk}/file").status_code == 404
    assert wrong_fields(request(client, init_image=str(kept.pk))) == ["init_image"]
    assert wrong_fields(request(client, init_image=f"image:{picture.pk}")) == ["init_image"]


def test_without_signing_in_nothing_is_kept(client: Client, db: None) -> None:
    assert bring(client, as_file(make_picture())).status_code == 401
    assert not Input.objects.exists()


def test_it_is_turned_upright_and_keeps_no_metadata(alice: User) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "where I live"
    kept = inputs.keep(owner_id=alice.pk, file=io.BytesIO(as_file(make_picture(90, 60), "JPEG", exif=exif)))
    assert (kept.width, kept.height) == (60, 90)
    assert b"where I live" not in kept.file.read()


@pytest.mark.parametrize(
    ("picture", "mode", "value"),
    [
        (PIL.Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "RGB", (255, 255, 255)),
        (PIL.Image.new("P", (8, 8), 0), "RGB", (0, 0, 0)),
        (PIL.Image.new("1", (8, 8), 1), "L", 255),
        (PIL.Image.new("L", (8, 8), 128), "L", 128),
        (PIL.Image.new("I;16", (8, 8), 128 * 256), "L", 128),
    ],
)
def test_every_kind_of_pixel_becomes_colour_or_grey(
    alice: User, picture: PIL.Image.Image, mode: str, value: object
) -> None:
    kept = inputs.opened(alice.pk, str(make_input(alice, picture).pk))
    assert (kept.mode, kept.getpixel((3, 3))) == (mode, value)


def test_a_large_picture_is_scaled_down(alice: User) -> None:
    kept = make_input(alice, PIL.Image.new("L", (8_192, 64)))
    assert (kept.width, kept.height) == (4_096, 32)


@pytest.mark.parametrize("content", [b"", b"no picture", as_file(make_picture())[:900], as_file(make_picture(), "GIF")])
def test_what_is_no_picture_is_refused(as_alice: Client, content: bytes) -> None:
    answer = bring(as_alice, content)
    assert answer.status_code == 422
    assert not Input.objects.exists()


def test_a_bomb_is_not_decoded(as_alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = as_file(PIL.Image.new("1", (10_000, 6_000)))
    assert len(bomb) < 100_000
    monkeypatch.setattr(PIL.Image.Image, "load", lambda _self: pytest.fail("decoded"))
    answer = bring(as_alice, bomb)
    assert wrong_fields(answer) == ["file"]
    assert "60.0 megapixels" in answer.json()["detail"]


def test_a_file_that_is_too_long_is_refused(as_alice: Client) -> None:
    assert bring(as_alice, b"x" * (LARGEST_FILE + 1)).status_code == 413


def test_only_so_many_are_kept(as_alice: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "MOST_INPUTS", 2)
    answers = [bring(as_alice, as_file(make_picture())) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[-1].json()["quota"] == "inputs"
    assert int(answers[-1]["Retry-After"]) > 80_000
    Input.objects.update(used_at=timezone.now() - INPUT_KEPT)
    assert bring(as_alice, as_file(make_picture())).status_code == 201, "what no sweep has taken yet counts no more"
