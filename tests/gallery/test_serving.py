"""Files reach their owner and staff, piece by piece and with headers that are safe to cache."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIRequest
from django.test import AsyncClient, Client
from pytest_django import Settings

from gallery import serving
from gallery.models import Image
from tests.factories import make_image

SignIn = Callable[[User], Client]


@pytest.fixture
def image(alice: User) -> Image:
    return make_image(alice)


@pytest.fixture
def signed_in(alice: User, as_user: SignIn) -> Client:
    return as_user(alice)


def test_the_file_comes_as_it_was_stored(image: Image, signed_in: Client) -> None:
    response = signed_in.get(image.file_url)
    assert response.status_code == 200
    assert response.getvalue() == Path(image.file.path).read_bytes()
    assert response["Content-Type"] == "image/png"
    assert int(response["Content-Length"]) == Path(image.file.path).stat().st_size
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response["Content-Disposition"] == f'inline; filename="{image.filename}"'


def test_a_download_has_the_name_that_tells_when_and_which_seed(image: Image, signed_in: Client) -> None:
    response = signed_in.get(image.file_url, {"download": "1"})
    assert response["Content-Disposition"] == f'attachment; filename="{image.filename}"'
    assert image.filename == f"generated_{image.created_at:%Y%m%d_%H%M%S}_42.png"


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_thumbnails_are_webp(image: Image, signed_in: Client, side: int) -> None:
    response = signed_in.get(image.thumbnail_urls[side])
    assert response["Content-Type"] == "image/webp"
    assert response.getvalue() == Path(image.thumbnails[side].path).read_bytes()


def test_the_usual_thumbnail_needs_no_size(image: Image, signed_in: Client) -> None:
    response = signed_in.get(f"/api/v1/images/{image.pk}/thumbnail")
    assert response.getvalue() == Path(image.thumbnail_512.path).read_bytes()


def test_what_is_known_already_is_not_sent_again(image: Image, signed_in: Client) -> None:
    etag = signed_in.get(image.file_url)["ETag"]
    response = signed_in.get(image.file_url, headers={"If-None-Match": etag})
    assert response.status_code == 304
    assert response.content == b""
    assert response["ETag"] == etag
    assert signed_in.get(image.file_url, headers={"If-None-Match": '"other"'}).status_code == 200
    assert signed_in.get(image.thumbnail_url)["ETag"] != etag


def test_head_tells_the_size_and_sends_nothing(image: Image, signed_in: Client) -> None:
    for address in (image.file_url, image.thumbnail_url):
        response = signed_in.head(address)
        assert response.status_code == 200
        assert int(response["Content-Length"]) == int(signed_in.get(address)["Content-Length"])
        assert response.content == b""


def test_staff_may_open_files_and_strangers_may_not_even_know_of_them(
    image: Image, bob: User, stella: User, as_user: SignIn
) -> None:
    etag = as_user(stella).get(image.file_url)["ETag"]
    assert as_user(stella).get(image.thumbnail_url).status_code == 200
    for address in (image.file_url, image.thumbnail_url):
        assert as_user(bob).get(address).status_code == 404
        assert as_user(bob).get(address, headers={"If-None-Match": etag}).status_code == 404
        assert as_user(bob).head(address).status_code == 404


def test_a_missing_file_is_not_found_and_logged(
    image: Image, signed_in: Client, caplog: pytest.LogCaptureFixture
) -> None:
    Path(image.file.path).unlink()
    with caplog.at_level(logging.WARNING, logger="gallery"):
        response = signed_in.get(image.file_url)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
    assert f"{image.file.name} is missing" in caplog.text
    assert signed_in.get(image.thumbnail_url).status_code == 200


def test_a_row_whose_thumbnail_was_never_made_is_not_found(image: Image, signed_in: Client) -> None:
    Image.objects.update(thumbnail_256="")
    assert signed_in.get(image.thumbnail_urls[256]).status_code == 404


def test_nginx_sends_the_file_where_it_is_in_front(image: Image, signed_in: Client, settings: Settings) -> None:
    settings.X_ACCEL_PREFIX = "/protected/"
    response = signed_in.get(image.file_url, {"download": "1"})
    assert response["X-Accel-Redirect"] == f"/protected/{image.file.name}"
    assert response.content == b""
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Cache-Control"].startswith("private")


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_pieces_are_read_as_they_are_sent(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    image = await sync_to_async(make_image)(alice, width=256, height=256)
    content = Path(image.file.path).read_bytes()
    monkeypatch.setattr(serving, "PIECE", 1000)
    signed_in = AsyncClient()
    await signed_in.aforce_login(alice)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Django warns where it has to collect the whole body
        response = await signed_in.get(image.file_url)
        assert isinstance(response.asgi_request, ASGIRequest)
        assert response.streaming
        assert response.is_async
        pieces = [piece async for piece in response]
    assert max(map(len, pieces)) == 1000
    assert hashlib.sha256(b"".join(pieces)).digest() == hashlib.sha256(content).digest()
    assert (await signed_in.head(image.file_url))["Content-Length"] == str(len(content))
