"""How long a picture that was brought to start from is kept, and what is told and deleted of it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from gallery.models import Input
from generation import services
from generation.models import Generation
from tests.factories import make_input
from tests.gallery.sweeping import sweep

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]


def grow_old(*kept: Input) -> None:
    Input.objects.filter(pk__in=[one.pk for one in kept]).update(used_at=timezone.now() - dt.timedelta(hours=25))


def test_what_nobody_has_used_for_a_day_goes_as_the_dry_run_says(alice: User, bob: User, ask: Ask) -> None:
    old, young, theirs, waited_for, mask = (make_input(who) for who in (alice, alice, bob, alice, alice))
    (row,) = ask(alice, init_image=str(waited_for.pk), mask=str(mask.pk))
    grow_old(old, theirs, waited_for, mask)
    lines, closing, _err = sweep("--dry-run")
    assert {line.split()[1] for line in lines} == {str(old.pk), str(theirs.pk)}
    assert "2 uploads" in closing
    assert Input.objects.count() == 5
    assert sweep("--user", "bob")[0][0].split()[:3] == ["input", str(theirs.pk), "bob"]
    lines, closing, _err = sweep()
    assert [line.split()[1] for line in lines] == [str(old.pk)]
    assert "1 upload" in closing
    assert set(Input.objects.all()) == {young, waited_for, mask}
    files = {path.stem for path in (Path(settings.MEDIA_ROOT) / "inputs").rglob("*.png")}
    assert files == {str(one.pk) for one in (young, waited_for, mask)}
    services.cancel(generation=row)
    sweep()
    assert set(Input.objects.all()) == {young}


def test_using_one_keeps_it_for_another_day(alice: User, ask: Ask) -> None:
    start = make_input(alice)
    grow_old(start)
    (row,) = ask(alice, init_image=str(start.pk))
    services.cancel(generation=row)
    sweep()
    assert Input.objects.exists()


def test_files_without_a_row_go_and_rows_without_a_file_are_told(alice: User) -> None:
    kept, lost = make_input(alice), make_input(alice)
    Path(lost.file.path).unlink()
    Input.objects.filter(pk=kept.pk)._raw_delete("default")  # type: ignore[attr-defined]
    past = (timezone.now() - dt.timedelta(hours=2)).timestamp()
    os.utime(kept.file.path, (past, past))
    lines, _closing, _err = sweep()
    told = {tuple(line.split()[:2]) for line in lines}
    assert told == {("orphan", kept.file.name), ("missing", str(lost.pk))}
    assert not Path(kept.file.path).exists()
    assert Input.objects.filter(pk=lost.pk).exists()


def test_deleting_a_person_removes_them(alice: User) -> None:
    path = Path(make_input(alice).file.path)
    assert path.exists()
    alice.delete()
    assert not path.exists()
