"""What goes wrong around a drawing: no disk, no database, no device. No picture is lost, and none is stored twice."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from PIL import Image as PillowImage

from gallery.models import Image
from generation import quotas, services
from generation.engine.engine import load
from generation.engine.exceptions import DeviceLost, EngineError, OutOfMemory
from generation.engine.types import Engine, EngineOptions
from generation.jobs import Studio
from generation.models import Failure, Generation, State

from .drawing import draw_all, files, fresh, pixels

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("every_step_is_told")]

Ask = Callable[..., list[Generation]]


def test_a_full_disk_fails_the_picture_gives_it_back_and_the_worker_goes_on(
    alice: User, ask: Ask, studio: Studio
) -> None:
    first, second = ask(alice, 2)
    real = PillowImage.Image.save
    broken = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch("django.core.files.storage.FileSystemStorage._save", side_effect=broken):
        studio.draw_next_batch()
        studio.close()
    row = fresh(first)
    assert (row.state, row.failure, row.charged) == (State.FAILED, Failure.NOT_STORED, False)
    assert not files()
    draw_all(Studio(engine=studio.engine, worker="w"))
    assert fresh(second).state == State.SUCCEEDED
    assert quotas.usage(alice).day.used == 1
    assert real is PillowImage.Image.save


def test_an_answer_lost_after_the_commit_loses_no_picture(alice: User, ask: Ask, studio: Studio) -> None:
    (row,) = ask(alice)
    finish = services.finish

    def finish_and_lose_the_answer(**finishing: object) -> bool:
        finish(**finishing)  # type: ignore[arg-type]
        raise OperationalError("server closed the connection unexpectedly")

    with mock.patch("generation.services.finish", finish_and_lose_the_answer):
        draw_all(studio)
    assert fresh(row).state == State.SUCCEEDED
    assert pixels(fresh(row).image).shape == (128, 128, 3)


def test_what_a_lost_attempt_left_behind_goes_with_the_next(alice: User, ask: Ask, studio: Studio) -> None:
    """The worker ends between writing the files and saving the row, as at a power cut."""
    (row,) = ask(alice)
    with mock.patch("generation.services.finish", side_effect=OperationalError("the database is gone")):
        studio.draw_next_batch()
        studio.close()
    assert len(files()) == 4, "of a picture without a row"
    services.release_worker(worker="w")
    draw_all(Studio(engine=studio.engine, worker="other"))
    image = fresh(row).image
    assert {path.name.partition(".")[0] for path in files()} == {str(image.pk)}


def test_a_lost_device_returns_its_pictures_and_ends_the_worker(alice: User, ask: Ask, studio: Studio) -> None:
    (row,) = ask(alice)
    with mock.patch.object(type(studio.engine), "draw", side_effect=DeviceLost("gone")), pytest.raises(DeviceLost):
        studio.draw_next_batch()
    assert (fresh(row).state, fresh(row).attempt) == (State.QUEUED, 0)


def test_a_row_taken_over_while_it_was_drawn_is_stored_once(
    alice: User, ask: Ask, studio: Studio, engine: Engine
) -> None:
    """The first worker is presumed dead at its second step; it goes on, and must not store what it draws."""
    (row,) = ask(alice)
    record = services.record_step

    def lose_at_two(**step: object) -> object:
        if step["step"] == 2:
            services.release_worker(worker="w")
            draw_all(Studio(engine=_Copy(engine), worker="other"))
        return record(**step)  # type: ignore[arg-type]

    with mock.patch("generation.services.record_step", lose_at_two):
        studio.draw_next_batch()
    studio.close()
    assert (fresh(row).state, fresh(row).attempt, fresh(row).worker) == (State.SUCCEEDED, 2, "other")
    assert Image.objects.count() == 1
    assert len(files()) == 4, "the original and three thumbnails"


def test_rows_that_cannot_be_settled_are_let_go_and_those_drawn_are_stored(
    alice: User, ask: Ask, studio: Studio
) -> None:
    """Else their leases would be renewed for as long as the worker lives, and nobody else could have them."""
    unsettled, kept = ask(alice, 2)
    claim = services.start(worker="w", most=2)
    drawn = [None, PillowImage.new("RGB", (128, 128))]
    gone = OperationalError("the database is gone")
    with (
        mock.patch.object(type(studio.engine), "draw", return_value=drawn),
        mock.patch.object(services, "start", return_value=claim),
        mock.patch.object(services, "settle_cancelled", side_effect=gone),
    ):
        studio.draw_next_batch()
    studio.close()
    assert fresh(kept).state == State.SUCCEEDED
    lease = fresh(unsettled).lease_expires_at
    studio.beat()
    assert (fresh(unsettled).state, fresh(unsettled).lease_expires_at) == (State.RUNNING, lease)


def test_an_outage_while_a_row_is_read_is_not_the_rows_fault(alice: User, ask: Ask, studio: Studio) -> None:
    (row,) = ask(alice)
    with mock.patch("generation.reproduction.request_of", side_effect=OperationalError("the database is gone")):
        studio.draw_next_batch()
    assert fresh(row).state == State.RUNNING
    Generation.objects.update(lease_expires_at=timezone.now())
    services.reconcile()
    draw_all(studio)
    assert fresh(row).state == State.SUCCEEDED


def test_a_device_lost_without_a_database_ends_the_worker_all_the_same(alice: User, ask: Ask, studio: Studio) -> None:
    ask(alice, 2)
    with (
        mock.patch.object(type(studio.engine), "draw", side_effect=DeviceLost("gone")),
        mock.patch.object(services, "hand_back", side_effect=OperationalError("the database is gone")),
    ):
        assert studio.draw_next_batch() == 1
    assert studio.lost
    assert studio.draw_next_batch() == 0, "nothing more is drawn on it"


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (OutOfMemory("out"), Failure.OUT_OF_MEMORY),
        (EngineError("broken"), Failure.ENGINE),
        (ValueError("something in the libraries"), Failure.ENGINE),
    ],
)
def test_what_the_engine_cannot_draw_fails_alone(
    alice: User, ask: Ask, studio: Studio, error: EngineError, failure: Failure
) -> None:
    first, second = ask(alice, 2)
    with mock.patch.object(type(studio.engine), "draw", side_effect=error):
        studio.draw_next_batch()
    assert (fresh(first).state, fresh(first).failure) == (State.FAILED, failure)
    draw_all(studio)
    assert fresh(second).state == State.SUCCEEDED


class _Copy:
    """A second engine on the same weights, so that one can draw in the middle of the other's step."""

    def __init__(self, engine: Engine) -> None:
        self._options = EngineOptions(model="auto", device="cpu", starter_dir=Path(settings.STARTER_MODEL_DIR))
        self._engine = load(self._options)
        self.card, self.lora_hashes, self.cut_prompts = engine.card, engine.lora_hashes, engine.cut_prompts

    def warm_up(self) -> None:
        self._engine.warm_up()

    def draw(self, requests: object, on_step: object) -> object:
        return self._engine.draw(requests, lambda report: ())  # type: ignore[arg-type]

    def device_state(self) -> object:
        return self._engine.device_state()
