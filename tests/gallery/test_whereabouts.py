"""What a page that has been open for a while asks: where its pictures are, and how many there are by now."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery import albums
from gallery.models import Image
from tests.factories import make_image

AS_SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def signed_in(alice: User, as_user: Callable[[User], Client]) -> Client:
    return as_user(alice)


def ask(client: Client, *images: Image, **more: Any) -> Any:
    shown = {"ids": [str(image.pk) for image in images]} | more
    return client.post("/api/v1/images/whereabouts", json.dumps(shown), content_type="application/json")


@pytest.mark.database
def test_it_says_where_pictures_are_and_how_many_there_are(alice: User, bob: User, signed_in: Client) -> None:
    kept, liked, his = make_image(alice), make_image(alice, favourite=True), make_image(bob)
    binned, unseen = make_image(alice, in_bin_for=dt.timedelta(hours=1)), make_image(alice)
    album = albums.create(user=alice, name="Foxes")
    albums.add(album, [liked.pk, binned.pk])
    gone = Image(pk=uuid.uuid4())
    told = ask(signed_in, kept, liked, his, binned, gone).json()
    assert set(told["kept"]) == {str(kept.pk), str(liked.pk)}
    assert (told["in_bin"], told["favourites"]) == ([str(binned.pk)], [str(liked.pk)])
    totals = {"kept": 3, "favourites": 1, "in_bin": 1, "archives": 0, "albums": {str(album.pk): 1}}
    assert told["totals"] == totals
    assert ask(signed_in).json() == {"kept": [], "in_bin": [], "favourites": [], "totals": totals}
    assert ask(signed_in, kept, liked, unseen, album=str(album.pk)).json()["kept"] == [str(liked.pk)]


def test_other_peoples_albums_are_as_those_that_do_not_exist(alice: User, bob: User, signed_in: Client) -> None:
    mine, his = make_image(alice), make_image(bob)
    album = albums.create(user=bob, name="His")
    albums.add(album, [his.pk])
    told = ask(signed_in, mine, his, album=str(album.pk))
    assert (told.status_code, told.json()["kept"]) == (200, [])
    assert told.json() == ask(signed_in, mine, his, album=str(uuid.uuid4())).json()


def test_it_takes_the_same_few_queries_however_many_pictures(
    alice: User, signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = [make_image(alice, width=8, height=8) for _ in range(6)]
    with django_assert_num_queries(7):  # session, person, preferences, kept, in the bin, totals, albums
        assert len(ask(signed_in, *made).json()["kept"]) == 6


def test_all_in_the_bin_come_back_at_once(alice: User, bob: User, signed_in: Client) -> None:
    for _ in range(2):
        make_image(alice, in_bin_for=dt.timedelta(hours=1))
    his = make_image(bob, in_bin_for=dt.timedelta(hours=1))
    body = json.dumps({"all": True})
    told = signed_in.post("/api/v1/images/restore", body, content_type="application/json").json()
    assert told["count"] == 2
    assert set(Image.objects.in_bin()) == {his}


def test_the_form_brings_all_in_the_bin_back(alice: User, signed_in: Client) -> None:
    make_image(alice, in_bin_for=dt.timedelta(hours=1))
    assert signed_in.post("/gallery/restore/", {"all": "1"})["Location"] == "/gallery/bin/"
    assert not Image.objects.in_bin().exists()


@pytest.mark.parametrize("path", ["", "bin/"])
def test_a_script_that_is_signed_out_is_told_and_gets_no_form(client: Client, db: None, path: str) -> None:
    answer = client.get(f"/gallery/{path}?cursor=x", headers=AS_SCRIPT)
    assert (answer.status_code, answer.content) == (401, b"")
