"""The forms behind the gallery's pages, and to whom pages and forms are open."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from gallery.models import Image
from tests.factories import make_image

SignIn = Callable[[User], Client]


@pytest.fixture
def signed_in(alice: User, as_user: SignIn) -> Client:
    return as_user(alice)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize("field", ["ids", "ids[]"])
def test_ticked_pictures_go_to_the_bin_and_come_back(alice: User, bob: User, signed_in: Client, field: str) -> None:
    ticked, other, his = make_image(alice), make_image(alice), make_image(bob)
    response = signed_in.post("/gallery/delete/", {field: [ticked.pk, his.pk, "9" * 70, "\0"]})
    assert response.status_code == 302
    assert response["Location"] == "/gallery/"
    assert said(response) == ["1 picture is in the bin."]
    assert set(Image.objects.kept()) == {other, his}
    response = signed_in.post("/gallery/restore/", {field: [ticked.pk]})
    assert response["Location"] == "/gallery/bin/"
    assert said(response)[-1] == "1 picture is back in the gallery."
    assert Image.objects.kept().count() == 3


def test_all_pictures_go_only_when_their_number_was_typed(alice: User, bob: User, signed_in: Client) -> None:
    make_image(alice), make_image(alice, favourite=True)
    his = make_image(bob)
    for typed in ("", "3", "all"):
        response = signed_in.post("/gallery/delete/", {"all": "1", "confirm": typed})
        assert response.status_code == 302
        assert said(response)[-1] == "To delete all pictures, type their number: 2."
        assert Image.objects.kept().count() == 3
    signed_in.post("/gallery/delete/", {"all": "1", "confirm": " 2 "})
    assert set(Image.objects.kept()) == {his}


def test_an_empty_choice_says_so(signed_in: Client) -> None:
    response = signed_in.post("/gallery/delete/")
    assert said(response) == ["No picture was chosen, or it was there already."]


def test_marking_says_which_way_or_turns_round(alice: User, signed_in: Client) -> None:
    image = make_image(alice)
    for form, expected in (({}, True), ({}, False), ({"favourite": "1"}, True), ({"favourite": "0"}, False)):
        response = signed_in.post(f"/gallery/{image.pk}/favourite/", form)
        assert response["Location"] == image.get_absolute_url()
        image.refresh_from_db()
        assert image.favourite is expected


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/gallery/?q=fox", "/gallery/?q=fox"),
        ("https://evil.example/", "/gallery/"),
        ("//evil.example/", "/gallery/"),
        ("javascript:alert(1)", "/gallery/"),
    ],
)
def test_forms_lead_back_to_this_site_only(signed_in: Client, wanted: str, location: str) -> None:
    assert signed_in.post("/gallery/delete/", {"next": wanted})["Location"] == location


# -- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["bob", "stella"])
def test_other_peoples_pages_do_not_exist(
    alice: User, who: str, as_user: SignIn, request: pytest.FixtureRequest
) -> None:
    image = make_image(alice)
    stranger = as_user(request.getfixturevalue(who))
    assert stranger.get(f"/gallery/{image.pk}/").status_code == 404
    assert stranger.post(f"/gallery/{image.pk}/favourite/").status_code == 404
    stranger.post("/gallery/delete/", {"ids": [image.pk]})
    image.refresh_from_db()
    assert not image.favourite
    assert not image.in_bin


def test_unknown_pictures_are_not_found(signed_in: Client) -> None:
    for nonsense in (uuid.uuid4(), "9" * 70, "x"):
        assert signed_in.get(f"/gallery/{nonsense}/").status_code == 404


@pytest.mark.parametrize("path", ["", "bin/", f"{uuid.UUID(int=7)}/"])
def test_pages_ask_to_sign_in(client: Client, db: None, path: str) -> None:
    response = client.get(f"/gallery/{path}")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/gallery/")


@pytest.mark.parametrize("path", ["delete/", "restore/", f"{uuid.UUID(int=7)}/favourite/"])
def test_changes_need_a_post_with_a_csrf_token(alice: User, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.get(f"/gallery/{path}").status_code == 405
    assert browser.post(f"/gallery/{path}").status_code == 403


@pytest.mark.parametrize("wanted", ["foo", "image", "//evil.example/", "javascript:alert(1)", ""])
def test_the_way_back_is_an_address_of_this_site_or_the_page_itself(client: Client, alice: User, wanted: str) -> None:
    client.force_login(alice)
    image = make_image(alice)
    answer = client.post(f"/gallery/{image.pk}/favourite/", {"favourite": "1", "next": wanted})
    assert answer.status_code == 302
    assert "evil" not in answer["Location"]
    assert "javascript" not in answer["Location"]
