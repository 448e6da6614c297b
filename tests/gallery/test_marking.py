"""Marking many pictures as favourites at once, by the API and by the form."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from gallery.models import Image
from tests.factories import make_image


@pytest.fixture
def signed_in(alice: User, as_user: Callable[[User], Client]) -> Client:
    return as_user(alice)


def mark(client: Client, **marks: Any) -> Any:
    return client.post("/api/v1/images/favourite", json.dumps(marks), content_type="application/json")


@pytest.mark.database
def test_many_are_marked_and_unmarked_and_the_answer_names_what_changed(
    alice: User, bob: User, signed_in: Client
) -> None:
    one, liked, his = make_image(alice), make_image(alice, favourite=True), make_image(bob)
    ids = [str(one.pk), str(liked.pk), str(his.pk), str(uuid.uuid4())]
    assert mark(signed_in, ids=ids, favourite=True).json() == {"marked": [str(one.pk)], "count": 1}
    assert set(Image.objects.filter(favourite=True)) == {one, liked}
    assert mark(signed_in, ids=ids, favourite=False).json()["count"] == 2
    assert not Image.objects.filter(favourite=True).exists()


@pytest.mark.parametrize("marks", [{}, {"ids": []}, {"favourite": True}, {"ids": [str(uuid.uuid4())] * 1001}])
def test_a_mark_needs_pictures_and_a_direction(signed_in: Client, marks: dict[str, Any]) -> None:
    assert mark(signed_in, **marks).status_code == 422


def test_the_form_marks_what_is_ticked_and_unmarks_where_all_are_marked(
    alice: User, bob: User, signed_in: Client
) -> None:
    one, liked, his = make_image(alice), make_image(alice, favourite=True), make_image(bob)
    said = []
    for expected in ({one, liked}, set()):
        form = {"ids": [one.pk, liked.pk, his.pk], "next": "/gallery/?q=fox"}
        answer = signed_in.post("/gallery/favourite/", form)
        assert answer["Location"] == "/gallery/?q=fox"
        said += [str(message) for message in get_messages(answer.wsgi_request)][len(said) :]
        assert set(Image.objects.filter(favourite=True)) == expected
    assert said == ["1 picture is a favourite now.", "2 pictures are no favourites any more."]
