"""Deleting all means as many pictures as the person was told of: not those that were made since."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from gallery import services
from gallery.models import Image
from tests.factories import make_image


@pytest.fixture
def signed_in(alice: User, as_user: Callable[[User], Client]) -> Client:
    return as_user(alice)


def delete(client: Client, **choice: Any) -> Any:
    return client.post("/api/v1/images/delete", json.dumps(choice), content_type="application/json")


def test_a_number_that_has_changed_is_refused_with_both(alice: User, bob: User, signed_in: Client) -> None:
    make_image(alice), make_image(alice), make_image(bob)
    refused = delete(signed_in, all=True, expected=1)
    assert refused.status_code == 409
    told = refused.json()
    assert (told["code"], told["expected"], told["found"]) == ("number_changed", 1, 2)
    assert told["detail"] == "There are 2 pictures now, not 1. Nothing was deleted."
    assert Image.objects.kept().count() == 3
    assert delete(signed_in, all=True, expected=2).json()["count"] == 2


def test_a_number_goes_with_all_only(alice: User, signed_in: Client) -> None:
    image = make_image(alice)
    for choice in ({"ids": [str(image.pk)], "expected": 1}, {"all": True, "expected": -1}):
        assert delete(signed_in, **choice).status_code == 422
    (error,) = delete(signed_in, all=True, expected=-1).json()["errors"]
    assert (error["field"], error["limit"]) == ("expected", 0)
    assert not Image.objects.get().in_bin


def test_a_picture_made_while_the_form_is_read_stays(
    alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(alice)
    move = services.move_to_bin

    def late(**wish: Any) -> Any:
        make_image(alice)
        return move(**wish)

    monkeypatch.setattr(services, "move_to_bin", late)
    answer = signed_in.post("/gallery/delete/", {"all": "1", "confirm": "1"})
    (message,) = get_messages(answer.wsgi_request)
    assert str(message) == "There are 2 pictures now, not 1. Nothing was deleted."
    assert Image.objects.kept().count() == 2
