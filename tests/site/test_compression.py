"""Pages are sent compressed, pictures and answers for programs as they are."""

from __future__ import annotations

import gzip

from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.factories import make_image

PACKED = {"Accept-Encoding": "gzip"}


def test_only_pages_are_compressed(admin_user: User, client: Client, settings: Settings, tmp_path: str) -> None:
    settings.MEDIA_ROOT = tmp_path
    client.force_login(admin_user)
    image = make_image(admin_user)
    page = client.get("/gallery/", headers=PACKED)
    assert page["Content-Encoding"] == "gzip"
    assert image.prompt in gzip.decompress(page.content).decode()
    assert int(page["Content-Length"]) == len(page.content) < len(gzip.decompress(page.content)) / 3
    assert "Accept-Encoding" in page["Vary"]
    assert not client.get("/gallery/").has_header("Content-Encoding")
    for address in (image.file_url, image.thumbnail_url, "/api/v1/images"):
        plain = client.get(address, headers=PACKED)
        assert plain.status_code == 200
        assert not plain.has_header("Content-Encoding"), address
