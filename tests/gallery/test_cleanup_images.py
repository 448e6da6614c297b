"""`manage.py cleanup_images`: what goes, what stays, and that the dry run tells the truth."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from gallery import retention, services, storing, strays
from gallery.models import Image
from tests.factories import make_image, make_picture

from .sweeping import days, in_bin, kept, sweep

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("policy")]

Stored = Callable[[], set[str]]


def test_old_pictures_go_to_the_bin_and_favourites_stay(alice: User, stored: Stored) -> None:
    old, liked, young = (
        make_image(alice, age=days(8)),
        make_image(alice, age=days(8), favourite=True),
        make_image(alice),
    )
    listed, closing, _err = sweep()
    assert (in_bin(), kept()) == ({old}, {liked, young})
    assert listed == [f"bin     {old.pk}  alice  8 d  {old.bytes}"]
    assert (
        closing == "Moved 1 picture to the bin, deleted 0 pictures (0 bytes) and 0 files without a picture (0 bytes)."
    )
    assert len(stored()) == 12
    assert sweep()[0] == []


def test_favourites_go_where_that_is_asked_for(alice: User) -> None:
    liked = make_image(alice, age=days(8), favourite=True)
    sweep("--include-favourites")
    assert in_bin() == {liked}


def test_the_bin_is_emptied_after_its_days(alice: User, stored: Stored) -> None:
    make_image(alice, age=days(9), in_bin_for=days(4))
    fresh = make_image(alice, age=days(9), in_bin_for=days(2))
    listed, closing, _err = sweep()
    assert list(Image.objects.all()) == [fresh]
    assert len(stored()) == 4
    assert listed[0].startswith("delete  ")
    assert re.fullmatch(r"Moved 0 pictures to the bin, deleted 1 picture \([\d.]+ KB\) and 0 files .*", closing)


def test_a_picture_just_moved_to_the_bin_has_its_days_there(alice: User) -> None:
    image = make_image(alice, age=days(400))
    sweep()
    sweep()
    assert in_bin() == {image}


def test_nothing_expires_where_retention_is_off(alice: User, settings: Settings) -> None:
    settings.RETENTION_DAYS = 0
    old = make_image(alice, age=days(4000))
    gone = make_image(alice, age=days(4000), in_bin_for=days(4))
    sweep()
    assert kept() == {old}
    assert not Image.objects.filter(pk=gone.pk).exists()  # its owner deleted it


def test_zero_days_means_every_picture_that_is_no_favourite(alice: User, settings: Settings) -> None:
    settings.RETENTION_DAYS = 0
    young, liked = make_image(alice, age=dt.timedelta(seconds=1)), make_image(alice, favourite=True)
    sweep("--older-than", "0")
    assert (in_bin(), kept()) == ({young}, {liked})


def test_older_than_replaces_the_setting(alice: User) -> None:
    older, old = make_image(alice, age=days(31)), make_image(alice, age=days(29))
    sweep("--older-than", "30")
    assert (in_bin(), kept()) == ({older}, {old})


def test_a_restored_picture_is_not_moved_back_by_the_next_sweep(alice: User) -> None:
    image = make_image(alice, age=days(30), in_bin_for=days(1))
    services.restore(user=alice, ids=[image.pk])
    sweep()
    assert kept() == {image}


def test_one_persons_pictures_only(alice: User, bob: User, put_file: Callable[..., Path]) -> None:
    hers, his = make_image(alice, age=days(8)), make_image(bob, age=days(8))
    make_image(alice, age=days(8), in_bin_for=days(8))
    his_binned = make_image(bob, age=days(8), in_bin_for=days(8))
    orphan = put_file("images/1/2026/01/left.png")
    sweep("--user", "alice")
    assert kept() == {his}
    assert in_bin() == {hers, his_binned}
    assert orphan.exists()


def test_an_unknown_person_is_named(alice: User) -> None:
    with pytest.raises(CommandError, match="There is nobody called “alcie”"):
        sweep("--user", "alcie")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--older-than", "-1"], "--older-than must be a number of days from 0"),
        (["--older-than", "9" * 70], "--older-than must be a number of days from 0"),
        (["--free-to", "101"], "--free-to must be a percentage"),
        (["--free-to", "nan"], "--free-to must be a percentage"),
        (["--older-than", "soon"], "--older-than"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(alice: User, arguments: list[str], named: str) -> None:
    image = make_image(alice, age=days(400))
    with pytest.raises(CommandError, match=named):
        sweep(*arguments)
    assert kept() == {image}


# -- the dry run ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [[], ["--older-than", "1", "--include-favourites"], ["--user", "alice"], ["--free-to", "0"]]
)
def test_the_dry_run_lists_exactly_what_the_real_run_then_does(
    alice: User, bob: User, stored: Stored, put_file: Callable[..., Path], arguments: list[str]
) -> None:
    for owner in (alice, bob):
        for age in (0.1, 3, 8, 20):
            make_image(owner, age=days(age))
            make_image(owner, age=days(age), favourite=True)
            make_image(owner, age=days(age + 30), in_bin_for=days(age))
    put_file("images/1/2026/01/left.png")
    rows, files = set(Image.objects.values_list("pk", "deleted_at")), stored()

    listed, closing, _err = sweep("--dry-run", *arguments)
    assert set(Image.objects.values_list("pk", "deleted_at")) == rows
    assert stored() == files
    assert closing.endswith("Nothing was changed.")

    really_listed, really_closed, _err = sweep(*arguments)
    assert really_listed == listed
    assert re.findall(r"\d[\d.]* \w+", closing) == re.findall(r"\d[\d.]* \w+", really_closed)

    told: dict[str, set[str]] = {"bin": set(), "delete": set(), "free": set(), "orphan": set()}
    for line in listed:
        verb, what, *_rest = line.split()
        told[verb].add(what)
    before = {str(pk): deleted_at for pk, deleted_at in rows}
    after = {str(pk): deleted_at for pk, deleted_at in Image.objects.values_list("pk", "deleted_at")}
    assert told["delete"] | told["free"] == before.keys() - after.keys()
    assert told["bin"] == {pk for pk in after if after[pk] and not before[pk]}
    assert told["orphan"] == {name for name in files - stored() if "left" in name}


# -- files and rows ---------------------------------------------------------------------------------------------------


def test_files_without_a_row_are_deleted(alice: User, stored: Stored, put_file: Callable[..., Path]) -> None:
    image = make_image(alice)
    folder = Path(image.file.name).parent
    put_file("images/77/2026/01/0190a1b2-0000-4000-8000-000000000000.png")
    put_file(f"{folder}/{image.pk}.2048.webp")  # named like a picture that is there, and yet not one of its files
    put_file(f"{folder}/notes.txt")
    outside = put_file("exports/keep.zip")
    hidden = put_file(f"{folder}/.nfs0001")
    listed, closing, err = sweep()
    assert stored() == {one.name for one in image.stored_files} | {"exports/keep.zip", f"{folder}/.nfs0001"}
    assert outside.exists()
    assert hidden.exists()
    assert len(listed) == 3
    assert all(line.startswith("orphan  images/") and line.endswith("  1 d  1000") for line in listed)
    assert "3 files without a picture (2.9 KB)" in closing
    assert err == ""


def test_a_picture_that_is_being_stored_is_left_alone(alice: User, stored: Stored) -> None:
    """The files are written first and the row second: a sweep that comes in between must not take the files."""
    drawn = storing.DrawnPicture(prompt="a fox", width=96, height=64, steps=8, seed=1)
    image = storing.draft(owner_id=alice.pk, drawn=drawn)
    storing.write_files(image, storing.encode(make_picture(), drawn))
    assert sweep()[0] == []
    image.save(force_insert=True)
    assert sweep()[0] == []
    assert len(stored()) == 4


def test_a_file_whose_row_came_after_the_listing_is_left_alone(alice: User, put_file: Callable[..., Path]) -> None:
    image = make_image(alice)
    stray = strays.StrayFile(image.file.name, timezone.now() - days(1), 10)
    assert strays.delete([stray]) == (0, 0)
    assert Path(image.file.path).exists()


def test_rows_without_a_file_are_told_of_and_never_deleted(alice: User) -> None:
    image, whole = make_image(alice), make_image(alice)
    Path(image.file.path).unlink()
    Path(image.thumbnail_512.path).unlink()
    listed, _closing, err = sweep()
    assert listed == [f"missing {image.pk}  alice  {image.file.name} {image.thumbnail_512.name}"]
    assert "1 picture lacks a file. Its row was left alone: is the disk mounted?" in err
    assert kept() == {image, whole}


def test_a_disk_that_is_not_mounted_does_not_empty_the_gallery(alice: User, settings: Settings, tmp_path: Path) -> None:
    images = {make_image(alice) for _ in range(3)}
    settings.MEDIA_ROOT = tmp_path / "elsewhere"
    _listed, _closing, err = sweep("--free-to", "0")
    assert "3 pictures lack files" in err
    assert kept() == images


def test_files_of_another_database_are_not_taken_for_rubbish(
    alice: User, stored: Stored, put_file: Callable[..., Path]
) -> None:
    for number in range(101):
        put_file(f"images/1/2026/01/{number}.png")
    listed, _closing, err = sweep()
    assert len(listed) == len(stored()) == 101
    assert "101 files. They were left alone: is DATABASE_URL right?" in err


# -- two at once ------------------------------------------------------------------------------------------------------


def test_two_sweeps_at_once_do_the_work_once(alice: User, put_file: Callable[..., Path]) -> None:
    make_image(alice, age=days(8))
    make_image(alice, age=days(8), in_bin_for=days(8))
    put_file("images/1/2026/01/left.png")
    plans = [retention.plan(retention.default_policy(), timezone.now()) for _ in range(2)]
    first, second = (retention.carry_out(plan) for plan in plans)
    assert (first.moved, first.deleted, first.strays) == (1, 1, 1)
    assert second == retention.Outcome()


def test_two_sweeps_in_parallel_do_the_work_once(alice: User, stored: Stored) -> None:
    for _ in range(6):
        make_image(alice, age=days(8))
        make_image(alice, age=days(8), in_bin_for=days(8))
    plans = [retention.plan(retention.default_policy(), timezone.now()) for _ in range(2)]

    def carry_out(plan: retention.Plan) -> retention.Outcome:
        try:
            return retention.carry_out(plan)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(carry_out, plans))
    assert sum(outcome.moved for outcome in outcomes) == 6
    assert sum(outcome.deleted for outcome in outcomes) == 6
    assert len(stored()) == 4 * 6


def test_what_its_owner_marks_or_restores_in_the_meantime_stays(alice: User) -> None:
    marked, restored = make_image(alice, age=days(8)), make_image(alice, age=days(9), in_bin_for=days(8))
    plan = retention.plan(retention.default_policy(), timezone.now())
    services.set_favourite(user=alice, ids=[marked.pk], favourite=True)
    services.restore(user=alice, ids=[restored.pk])
    assert retention.carry_out(plan) == retention.Outcome()
    assert kept() == {marked, restored}
