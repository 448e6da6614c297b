"""Whatever way a row goes, its four files go with it, and only once the row is surely gone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from gallery import services
from gallery.models import Image
from tests.factories import make_image

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

Stored = Callable[[], set[str]]
SignIn = Callable[[User], Client]


def files_of(image: Image) -> set[str]:
    return {stored.name for stored in image.stored_files}


def test_deleting_a_row_deletes_its_files(alice: User, stored: Stored) -> None:
    gone, stays = make_image(alice), make_image(alice)
    Image.objects.get(pk=gone.pk).delete()
    assert stored() == files_of(stays)


def test_deleting_a_queryset_deletes_the_files(alice: User, stored: Stored) -> None:
    make_image(alice), make_image(alice)
    stays = make_image(alice, favourite=True)
    Image.objects.filter(favourite=False).delete()
    assert stored() == files_of(stays)


def test_deleting_a_person_deletes_their_files(alice: User, bob: User, stored: Stored) -> None:
    make_image(alice), make_image(alice, in_bin_for=dt.timedelta(days=1))
    his = make_image(bob)
    alice.delete()
    assert list(Image.objects.all()) == [his]
    assert stored() == files_of(his)


def test_deleting_people_in_the_admin_deletes_their_files(
    alice: User, bob: User, stella: User, stored: Stored, as_user: SignIn
) -> None:
    make_image(alice)
    his = make_image(bob)
    response = as_user(stella).post(
        "/admin/auth/user/", {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}
    )
    assert response.status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert stored() == files_of(his)


def test_deleting_pictures_in_the_admin_deletes_their_files(
    alice: User, stella: User, stored: Stored, as_user: SignIn
) -> None:
    gone, also_gone, stays = make_image(alice), make_image(alice), make_image(alice)
    browser = as_user(stella)
    selected = {"action": "delete_selected", "_selected_action": [gone.pk], "post": "yes"}
    assert browser.post("/admin/gallery/image/", selected).status_code == 302
    assert browser.post(f"/admin/gallery/image/{also_gone.pk}/delete/", {"post": "yes"}).status_code == 302
    assert stored() == files_of(stays)


def test_purging_deletes_rows_and_files(alice: User, stored: Stored) -> None:
    gone, stays = make_image(alice), make_image(alice)
    size = gone.bytes
    assert services.purge(Image.objects.all(), [gone.pk]) == (1, size)
    assert services.purge(Image.objects.all(), [gone.pk]) == (0, 0)
    assert stored() == files_of(stays)


def test_a_picture_restored_in_the_meantime_is_not_purged(alice: User, stored: Stored) -> None:
    image = make_image(alice, in_bin_for=dt.timedelta(days=9))
    services.restore(user=alice, ids=[image.pk])
    assert services.purge(Image.objects.in_bin(), [image.pk]) == (0, 0)
    assert stored() == files_of(image)


def test_files_stay_when_the_deletion_is_rolled_back(alice: User, stored: Stored) -> None:
    image = make_image(alice)
    with pytest.raises(RuntimeError), transaction.atomic():
        image.delete()
        raise RuntimeError
    assert Image.objects.count() == 1
    assert len(stored()) == 4


def test_moving_to_the_bin_and_back_touches_no_file(alice: User, stored: Stored) -> None:
    image = make_image(alice)
    before = stored()
    services.move_to_bin(user=alice, ids=[image.pk])
    services.restore(user=alice, ids=[image.pk])
    assert stored() == before == files_of(image)
