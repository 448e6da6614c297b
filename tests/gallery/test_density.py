"""How large a browser shows the pictures: chosen by a form or a script, remembered in a cookie."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_image

DENSITY = "/gallery/density/"


@pytest.fixture
def signed_in(alice: User, as_user: Callable[[User], Client]) -> Client:
    make_image(alice)
    return as_user(alice)


def test_the_form_leads_back_and_the_next_page_is_as_chosen(signed_in: Client) -> None:
    assert 'class="gallery rows-standard"' in signed_in.get("/gallery/").content.decode()
    form = {"density": "compact", "next": "/gallery/?q=lighthouse"}
    response = signed_in.post(DENSITY, form, headers={"Accept": "text/html"})
    assert (response.status_code, response["Location"]) == (302, "/gallery/?q=lighthouse")
    assert response.cookies["density"]["httponly"]
    page = signed_in.get("/gallery/").content.decode()
    assert 'class="gallery rows-compact"' in page
    assert 'value="compact" aria-current="true"' in page
    assert "rows-compact" in signed_in.get("/gallery/bin/").content.decode()


def test_a_script_is_told_that_it_is_remembered(signed_in: Client) -> None:
    response = signed_in.post(DENSITY, {"density": "comfortable"})
    assert (response.status_code, response.content) == (204, b"")
    assert "rows-comfortable" in signed_in.get("/gallery/").content.decode()


def test_what_is_not_offered_is_refused_and_never_shown(signed_in: Client) -> None:
    assert signed_in.post(DENSITY, {"density": "huge"}).status_code == 400
    assert signed_in.get(DENSITY).status_code == 405
    signed_in.cookies["density"] = '"><script>'
    assert 'class="gallery rows-standard"' in signed_in.get("/gallery/").content.decode()


def test_strangers_are_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.post(DENSITY, {"density": "compact"})["Location"].startswith("/accounts/login/")
