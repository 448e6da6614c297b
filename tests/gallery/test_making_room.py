"""`manage.py cleanup_images --free-to`: which pictures go when the disk is full, in which order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import FileSystemStorage
from pytest_django import Settings

from gallery import archives, disk
from gallery.models import Archive, Image
from tests.factories import make_image

from .sweeping import days, kept, sweep

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("policy")]

Stored = Callable[[], set[str]]


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch, stored: Stored, media: Path) -> None:
    """A disk of 1,000,000 bytes that holds nothing but the pictures."""

    def use() -> disk.Use:
        return disk.Use(sum((media / name).stat().st_size for name in stored()), 1_000_000)

    monkeypatch.setattr(disk, "use", use)


@pytest.mark.usefixtures("small_disk")
def test_room_is_made_bin_first_then_the_oldest_and_never_from_favourites(alice: User) -> None:
    liked = make_image(alice, age=days(6), favourite=True)
    oldest, older, young = (make_image(alice, age=days(age)) for age in (5, 4, 3))
    last_binned = make_image(alice, age=days(6), in_bin_for=days(1))
    first_binned = make_image(alice, age=days(1), in_bin_for=days(0.5))
    in_order = [last_binned, first_binned, oldest, older, young]
    for number, going in enumerate(in_order, start=1):
        left = sum(image.bytes for image in in_order[number:]) + liked.bytes
        listed, _closing, _err = sweep("--free-to", str((left + 1) / 10_000))
        assert [line.split()[:2] for line in listed] == [["free", str(going.pk)]]
        assert not Image.objects.filter(pk=going.pk).exists()
    assert kept() == {liked}


@pytest.mark.usefixtures("small_disk")
def test_zips_make_room_before_the_pictures_that_they_are_copies_of(alice: User, settings: Settings) -> None:
    settings.READY_FREE_MEGABYTES = 0
    image = make_image(alice, age=days(6))
    archive = archives.ask(user=alice, ids=[image.pk])
    assert archives.pack_next()
    listed, closing, _err = sweep("--free-to", str((image.bytes + 1) / 10_000))
    assert [line.split()[:2] for line in listed] == [["zip", str(archive.pk)]]
    assert "1 ZIP file: " in closing
    assert not Archive.objects.exists()
    assert kept() == {image}


@pytest.mark.usefixtures("small_disk")
def test_what_expires_makes_room_before_what_does_not(alice: User) -> None:
    """An old picture that would go to the bin is deleted instead when room is wanting, and is listed once."""
    young, old = make_image(alice, age=days(1)), make_image(alice, age=days(9))
    listed, _closing, _err = sweep("--free-to", str((young.bytes + 1) / 10_000))
    assert [line.split()[:2] for line in listed] == [["free", str(old.pk)]]
    assert kept() == {young}


@pytest.mark.usefixtures("small_disk")
def test_a_disk_with_room_enough_loses_nothing(alice: User) -> None:
    image = make_image(alice, age=days(1))
    assert sweep("--free-to", "99")[0] == []
    assert kept() == {image}


@pytest.mark.usefixtures("small_disk")
def test_favourites_make_room_only_where_that_is_asked_for(alice: User) -> None:
    liked = make_image(alice, favourite=True)
    _listed, _closing, err = sweep("--free-to", "0")
    assert "nothing more may be deleted" in err
    assert kept() == {liked}
    sweep("--free-to", "0", "--include-favourites")
    assert not Image.objects.exists()


def test_the_real_disk_can_be_measured(media: Path) -> None:
    media.mkdir()
    now = disk.use()
    assert 0 < now.used < now.total
    assert 0 < now.percent < 100


def test_an_object_store_has_no_disk_to_free(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def path(storage: FileSystemStorage, name: str) -> str:
        raise NotImplementedError

    monkeypatch.setattr(FileSystemStorage, "path", path)
    with pytest.raises(disk.NoLocalDisk):
        disk.use()
