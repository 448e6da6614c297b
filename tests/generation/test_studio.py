"""Drawing for real: the starter model through the real pipeline, real files, real rows."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from PIL import Image as PillowImage

from gallery.models import Image
from generation import events, jobs, quotas, services
from generation.engine.engine import load
from generation.engine.exceptions import DeviceLost, EngineError, OutOfMemory
from generation.engine.types import Engine, EngineOptions
from generation.jobs import Studio
from generation.models import Failure, Generation, QueueClock, State

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return load(EngineOptions(model="auto", device="cpu", starter_dir=Path(settings.STARTER_MODEL_DIR)))


@pytest.fixture
def studio(engine: Engine) -> Iterator[Studio]:
    studio = Studio(engine=engine, worker="w")
    yield studio
    studio.close()


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """However short: steps of this size take milliseconds."""
    monkeypatch.setattr(jobs, "_TELLING_SECONDS", 0)


def draw_all(studio: Studio) -> None:
    while studio.draw_next_batch():
        pass
    studio.close()


def pixels(image: Image) -> np.ndarray:
    with image.file.open() as file, PillowImage.open(file) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def fresh(row: Generation) -> Generation:
    return Generation.objects.select_related("image").get(pk=row.pk)


def test_a_picture_is_drawn_stored_and_described(alice: User, ask: Ask, studio: Studio) -> None:
    (row,) = ask(alice, width=160, height=128, seed=11, style="ink-wash")
    draw_all(studio)
    row = fresh(row)
    assert (row.state, row.step, row.attempt) == (State.SUCCEEDED, 4, 1)
    image = row.image
    assert image is not None
    assert (image.owner_id, image.prompt, image.seed) == (alice.pk, "a red fox", 11)
    assert (image.width, image.height) == (160, 128)
    assert pixels(image).shape == (128, 160, 3)
    assert image.record["prompt"].startswith("a red fox, traditional ink wash")
    assert image.record["versions"]["torch"]
    assert studio.speed is not None and studio.speed.per_cost > 0
    assert QueueClock.objects.exists()


def test_the_seed_and_the_words_decide_the_pixels(alice: User, ask: Ask, studio: Studio) -> None:
    same = [*ask(alice, seed=1), *ask(alice, seed=1)]
    other_seed, other_words = ask(alice, seed=2), ask(alice, seed=1, prompt="deep blue sea")
    draw_all(studio)
    first, second, seed, words = (pixels(fresh(row).image) for row in (*same, *other_seed, *other_words))
    assert (first == second).all()
    assert (first != seed).any()
    assert (first != words).any()


def test_steps_and_previews_reach_the_owner(
    alice: User, ask: Ask, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(events._publisher, "send", lambda group, message: sent.append({"group": group} | message))
    ask(alice)
    sent.clear()
    draw_all(studio)
    payloads = [message["payload"] for message in sent]
    assert {message["group"] for message in sent} == {f"user.{alice.pk}"}
    changes = [p["generation"] for p in payloads if p["type"] == "generation"]  # type: ignore[index]
    assert [(c["state"], c["step"]) for c in changes] == [
        ("running", 0), ("running", 1), ("running", 2), ("running", 3), ("running", 4), ("succeeded", 4),
    ]  # fmt: skip
    previews = [p for p in payloads if p["type"] == "preview"]  # type: ignore[index]
    assert [p["step"] for p in previews] == [1, 2, 3]  # type: ignore[index]
    assert all(p["image"].startswith("data:image/webp;base64,") for p in previews)  # type: ignore[index]


def test_a_running_picture_is_cancelled_within_one_step(alice: User, ask: Ask, studio: Studio) -> None:
    (row,) = ask(alice, steps=20)
    record = services.record_step

    def cancel_at_three(**step: object) -> object:
        if step["step"] == 3:
            services.cancel(generation=row)
        return record(**step)  # type: ignore[arg-type]

    with mock.patch("generation.services.record_step", cancel_at_three):
        draw_all(studio)
    assert (fresh(row).state, fresh(row).step, fresh(row).image) == (State.CANCELLED, 3, None)
    assert not files()


def test_a_cancel_after_the_last_step_leaves_no_file(alice: User, ask: Ask, studio: Studio) -> None:
    (row,) = ask(alice)
    finish = services.finish

    def cancel_first(**finishing: object) -> bool:
        services.cancel(generation=row)
        return finish(**finishing)  # type: ignore[arg-type]

    with mock.patch("generation.services.finish", cancel_first):
        draw_all(studio)
    assert fresh(row).state == State.CANCELLED
    assert not Image.objects.exists()
    assert not files()


def test_a_leaving_worker_hands_its_picture_back_and_another_draws_it(
    alice: User, ask: Ask, studio: Studio, engine: Engine
) -> None:
    (row,) = ask(alice, steps=20)
    record = services.record_step

    def leave_at_two(**step: object) -> object:
        if step["step"] == 2:
            studio.leaving.set()
        return record(**step)  # type: ignore[arg-type]

    with mock.patch("generation.services.record_step", leave_at_two):
        draw_all(studio)
    assert (fresh(row).state, fresh(row).attempt, fresh(row).worker) == (State.QUEUED, 0, "")
    draw_all(Studio(engine=engine, worker="next"))
    assert fresh(row).state == State.SUCCEEDED


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


class _Copy:
    """A second engine on the same weights, so that one can draw in the middle of the other's step."""

    def __init__(self, engine: Engine) -> None:
        self._options = EngineOptions(model="auto", device="cpu", starter_dir=Path(settings.STARTER_MODEL_DIR))
        self._engine = load(self._options)
        self.card = engine.card

    def warm_up(self) -> None:
        self._engine.warm_up()

    def draw(self, requests: object, on_step: object) -> object:
        return self._engine.draw(requests, lambda report: ())  # type: ignore[arg-type]

    def device_state(self) -> object:
        return self._engine.device_state()
