"""Images in the admin."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gallery.models import Image
from gallery.signals import images_moved
from tests.factories import make_image

SignIn = Callable[[User], Client]
URL = "/admin/gallery/image/"


@pytest.fixture
def signed_in(stella: User, as_user: SignIn) -> Client:
    return as_user(stella)


def test_the_list_shows_small_pictures_without_inline_styles(alice: User, signed_in: Client) -> None:
    image = make_image(alice, prompt="<b>bold</b> fox", width=128, height=64)
    page = signed_in.get(URL).content.decode()
    (tag,) = re.findall(rf'<img src="{re.escape(image.thumbnail_urls[256])}"[^>]*>', page)
    assert 'width="64" height="32"' in tag
    assert "style=" not in tag
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt; fox" in page


def test_the_list_takes_the_same_number_of_queries_however_long(
    alice: User, bob: User, signed_in: Client, django_assert_max_num_queries: Callable
) -> None:
    for owner in (alice, bob):
        for _ in range(4):
            make_image(owner, width=8, height=8)
    with django_assert_max_num_queries(14):
        signed_in.get(URL)


@pytest.mark.database
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "fox"}, True),
        ({"q": "alice"}, True),
        ({"q": "bob"}, False),
        ({"q": "9" * 70}, False),
        ({"place": "kept"}, True),
        ({"place": "bin"}, False),
        ({"favourite__exact": "1"}, False),
    ],
)
def test_searching_and_filtering(alice: User, signed_in: Client, query: dict[str, str], found: bool) -> None:
    image = make_image(alice, prompt="a red fox")
    assert (f"{URL}{image.pk}/change/" in signed_in.get(URL, query).content.decode()) is found


def test_the_record_can_be_read_but_not_changed(alice: User, signed_in: Client) -> None:
    image = make_image(alice, record={"dtype": "bfloat16"})
    page = signed_in.get(f"{URL}{image.pk}/change/").content.decode()
    assert "bfloat16" in page
    assert 'name="favourite"' in page
    assert 'name="prompt"' not in page
    response = signed_in.post(f"{URL}{image.pk}/change/", {"favourite": "on", "prompt": "changed", "seed": "1"})
    assert response.status_code == 302
    image.refresh_from_db()
    assert (image.favourite, image.prompt, image.seed) == (True, "a lighthouse at dusk", 42)


def test_pictures_are_not_added_by_hand(signed_in: Client) -> None:
    assert signed_in.get(f"{URL}add/").status_code == 403


def test_moving_to_the_bin_and_restoring_many(alice: User, bob: User, signed_in: Client) -> None:
    images = [make_image(alice), make_image(bob), make_image(bob, in_bin_for=dt.timedelta(days=1))]
    selected = [image.pk for image in images]
    told = []

    def hear(*, owner_id: int, deleted: list[UUID], restored: list[UUID], **_: Any) -> None:
        told.append((owner_id, len(deleted), len(restored)))

    images_moved.connect(hear)
    page = signed_in.post(URL, {"action": "move_to_bin", "_selected_action": selected}, follow=True)
    assert "2 pictures are in the bin." in page.content.decode()
    assert Image.objects.in_bin().count() == 3
    page = signed_in.post(URL, {"action": "restore", "_selected_action": selected}, follow=True)
    assert "3 pictures are back in the gallery." in page.content.decode()
    assert Image.objects.kept().count() == 3
    assert set(told) == {(alice.pk, 1, 0), (bob.pk, 1, 0), (alice.pk, 0, 1), (bob.pk, 0, 2)}


def test_people_who_are_not_staff_see_nothing(alice: User, as_user: SignIn) -> None:
    image = make_image(alice)
    for address in (URL, f"{URL}{image.pk}/change/"):
        assert as_user(alice).get(address).status_code == 302
