"""What an image says of itself."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.template.loader import render_to_string
from django.utils import timezone
from pytest_django import Settings

from gallery.models import Image
from tests.factories import make_image


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1024, 1024, "1-1"),
        (1152, 864, "4-3"),
        (864, 1152, "3-4"),
        (1248, 832, "3-2"),
        (832, 1248, "2-3"),
        (1280, 720, "16-9"),
        (720, 1280, "9-16"),
        (2048, 256, "16-9"),
        (1000, 1040, "1-1"),
    ],
)
def test_the_aspect_class_is_the_nearest_usual_shape(width: int, height: int, expected: str) -> None:
    assert Image(width=width, height=height).aspect_class == expected


def test_the_download_name_tells_when_and_which_seed(settings: Settings) -> None:
    image = Image(created_at=dt.datetime(2026, 11, 22, 14, 32, 10, tzinfo=dt.UTC), seed=418092771)
    assert image.filename == "generated_20261122_143210_418092771.png"


@pytest.mark.django_db
def test_expiry_counts_from_making_or_from_the_last_restoring(settings: Settings) -> None:
    settings.RETENTION_DAYS = 7
    now = timezone.now()
    image = Image(created_at=now - dt.timedelta(days=6))
    assert image.expires_at == image.created_at + dt.timedelta(days=7)
    assert image.is_expiring_soon
    image.restored_at = now
    assert image.expires_at == now + dt.timedelta(days=7)
    assert not image.is_expiring_soon


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kept_for", "age", "left"), [(7, 3.9, None), (7, 4.1, 3), (7, 6.5, 1), (7, 8, 0), (2, 0.5, None), (2, 1.5, 1)]
)
def test_the_last_three_days_are_told_but_not_all_days_of_a_short_time(
    settings: Settings, kept_for: int, age: float, left: int | None
) -> None:
    settings.RETENTION_DAYS = kept_for
    image = Image(created_at=timezone.now() - dt.timedelta(days=age))
    assert image.is_expiring_soon is (left is not None)
    page = render_to_string("gallery/_expiry.html", {"image": image})
    words = {None: "", 0: "Expires today", 1: "Expires in 1 day<", 3: "Expires in 3 days"}[left]
    assert words in page if words else page == ""


@pytest.mark.django_db
def test_favourites_do_not_expire_nor_does_anything_where_retention_is_off(settings: Settings) -> None:
    old = timezone.now() - dt.timedelta(days=400)
    settings.RETENTION_DAYS = 7
    assert Image(created_at=old, favourite=True).expires_at is None
    assert Image(created_at=old, in_album=True).expires_at is None
    assert Image(created_at=old, deleted_at=old).expires_at is None
    settings.RETENTION_DAYS = 0
    assert Image(created_at=old).expires_at is None


def test_nobody_sees_what_is_not_theirs(alice: User, bob: User, stella: User) -> None:
    make_image(alice)
    assert Image.objects.visible_to(alice).count() == 1
    for stranger in (bob, stella, AnonymousUser()):
        assert not Image.objects.visible_to(stranger).exists()
    assert Image.objects.served_to(stella).count() == 1
    for stranger in (bob, AnonymousUser()):
        assert not Image.objects.served_to(stranger).exists()


@pytest.mark.database
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fox", True),
        ("SNOW red", True),
        ("Écharpe", True),
        ("écharpe", True),
        ("狐", True),
        ("wolf", False),
        ("fox wolf", False),
        ("%", False),
        ("_", False),
        ("", True),
    ],
)
def test_search_finds_every_word_in_any_case_and_takes_wildcards_literally(alice: User, text: str, found: bool) -> None:
    make_image(alice, prompt="A red Fox in snow, écharpe, 狐狸")
    assert Image.objects.matching(text).exists() is found
