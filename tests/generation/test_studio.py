"""Drawing for real: the starter model through the real pipeline, real files, real rows."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import pytest
from django.contrib.auth.models import User
from PIL import Image as PillowImage

from gallery.models import Image
from generation import events, services, watch
from generation.engine.types import Engine
from generation.jobs import Studio
from generation.models import Generation, QueueClock, State

from .drawing import draw_all, files, fresh, pixels

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("every_step_is_told")]

Ask = Callable[..., list[Generation]]


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


def test_what_waits_for_a_slow_disk_is_not_taken_for_an_engine_that_hangs(
    alice: User, ask: Ask, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = []
    submit = studio._pool.submit
    monkeypatch.setattr(studio._pool, "submit", lambda *work: (stored.append(studio.watch), submit(*work)))
    drawn = []
    monkeypatch.setattr(events, "generation_changed", lambda row: drawn.append(studio.watch))
    ask(alice)
    draw_all(studio)
    assert any(drawn), "it is watched at its steps"
    assert stored == [None]


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


def test_steps_too_short_to_be_told_are_cancelled_at_once_too(
    alice: User, ask: Ask, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_TELLING_SECONDS", 3600)
    (row,) = ask(alice, steps=20)
    looks = 0
    unwanted = services.unwanted

    def cancel_at_the_second_look(**looking: object) -> object:
        nonlocal looks
        looks += 1
        if looks == 2:
            services.cancel(generation=row)
        return unwanted(**looking)  # type: ignore[arg-type]

    with mock.patch("generation.services.unwanted", cancel_at_the_second_look):
        draw_all(studio)
    assert looks == 2
    assert fresh(row).state == State.CANCELLED


def test_of_a_batch_those_that_are_not_cancelled_count(alice: User, ask: Ask, studio: Studio) -> None:
    cancelled, kept = ask(alice, 2)

    def one_only(requests: object, on_step: object) -> list[PillowImage.Image | None]:
        services.cancel(generation=cancelled)
        return [None, PillowImage.new("RGB", (128, 128))]

    claim = [Generation.objects.get(pk=row.pk) for row in services.start(worker="w", most=2)]
    with (
        mock.patch.object(type(studio.engine), "draw", side_effect=one_only),
        mock.patch.object(services, "start", return_value=claim),
    ):
        studio.draw_next_batch()
    studio.close()
    assert (fresh(cancelled).state, fresh(kept).state) == (State.CANCELLED, State.SUCCEEDED)
    assert (studio.drawn, studio.speed) == (1, None)
    assert studio.last_drawn_at is not None


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
