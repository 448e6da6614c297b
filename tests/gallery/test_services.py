"""Moving to the bin, restoring and marking."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from gallery import retention, services
from gallery.models import Image
from tests.factories import make_image

pytestmark = pytest.mark.database


def bare_images(owner: User, number: int) -> None:
    """Rows without files, for what is about numbers only."""
    facts = {"prompt": "many", "width": 8, "height": 8, "steps": 1, "seed": 1, "bytes": 10}
    Image.objects.bulk_create([Image(owner=owner, **facts) for _ in range(number)])


def test_deleting_twice_moves_once_and_keeps_the_first_moment(alice: User) -> None:
    image = make_image(alice)
    assert services.move_to_bin(user=alice, ids=[image.pk]) == [image.pk]
    moved_at = Image.objects.get().deleted_at
    assert services.move_to_bin(user=alice, ids=[image.pk, image.pk]) == []
    assert Image.objects.get().deleted_at == moved_at


def test_other_peoples_and_unknown_ids_are_passed_over(alice: User, bob: User) -> None:
    hers, his = make_image(alice), make_image(bob)
    assert services.move_to_bin(user=alice, ids=[his.pk, hers.pk, uuid.uuid4()]) == [hers.pk]
    his.refresh_from_db()
    assert not his.in_bin
    services.move_to_bin(user=bob, ids=[his.pk])
    assert services.restore(user=alice, ids=[hers.pk, his.pk]) == [hers.pk]
    his.refresh_from_db()
    assert his.in_bin


def test_everything_means_ones_own_kept_pictures_favourites_too(alice: User, bob: User) -> None:
    kept, liked = make_image(alice), make_image(alice, favourite=True)
    binned, his = make_image(alice, in_bin_for=dt.timedelta(days=1)), make_image(bob)
    assert set(services.move_to_bin(user=alice, everything=True)) == {kept.pk, liked.pk}
    assert Image.objects.get(pk=binned.pk).deleted_at == binned.deleted_at
    assert Image.objects.get(pk=his.pk).deleted_at is None


def test_thousands_of_pictures_go_in_chunks(alice: User, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    bare_images(alice, 1_201)
    with django_assert_max_num_queries(1 + 3 * 4):  # three chunks: savepoint, lock, update, release
        moved = services.move_to_bin(user=alice, everything=True)
    assert len(moved) == 1_201
    assert len(services.restore(user=alice, ids=moved)) == 1_201


def test_a_restored_picture_begins_its_time_anew(alice: User) -> None:
    image = make_image(alice, age=dt.timedelta(days=100), in_bin_for=dt.timedelta(days=1))
    assert services.restore(user=alice, ids=[image.pk]) == [image.pk]
    assert not retention.plan(retention.default_policy(), timezone.now()).to_bin
    assert services.restore(user=alice, ids=[image.pk]) == []


def test_marking_touches_nothing_else(alice: User) -> None:
    image = make_image(alice)
    Image.objects.filter(pk=image.pk).update(deleted_at=timezone.now())  # meanwhile, in another tab
    assert services.set_favourite(user=alice, ids=[image.pk], favourite=True) == [image.pk]
    image.refresh_from_db()
    assert image.favourite
    assert image.in_bin
