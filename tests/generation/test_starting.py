"""Starting from a picture: asking with one, drawing from it, and trying again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL.Image
import pytest
from django.contrib.auth.models import User
from django.test import Client

from gallery.models import Image
from generation import scheduling, services
from generation.jobs import Studio
from generation.models import Failure, Generation, State, Worker
from tests.factories import make_image, make_input, make_picture

from .drawing import fresh
from .requesting import request, wrong_fields

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("every_step_is_told")]

Ask = Callable[..., list[Generation]]


# -- asking -----------------------------------------------------------------------------------------------------------


def test_what_is_asked_is_stored_shown_and_charged_as_drawn(as_alice: Client, alice: User) -> None:
    start, mask = str(make_input(alice).pk), str(make_input(alice).pk)
    answer = request(as_alice, init_image=start, mask=mask, count=2)
    assert answer.status_code == 201, answer.content
    for shown in answer.json()["generations"]:
        told = {name: shown[name] for name in ("init_image", "mask", "strength", "steps", "drawn_steps")}
        assert told == {"init_image": start, "mask": mask, "strength": 0.6, "steps": 8, "drawn_steps": 5}
        row = Generation.objects.get(pk=shown["id"])
        assert row.cost == pytest.approx(64 * 64 * 5 / 1e6)
    (plain,) = request(as_alice).json()["generations"]
    assert (plain["init_image"], plain["strength"], plain["drawn_steps"]) == (None, None, 8)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"strength": 0}, ["strength"]),
        ({"strength": -0.5}, ["strength"]),
        ({"strength": 1.01}, ["strength"]),
        ({"strength": 1e-18}, ["strength"]),
        ({"init_image": ""}, []),
        ({"init_image": "", "strength": 0.5}, ["strength"]),
        ({"init_image": "", "strength": 0}, ["strength"]),
        ({"init_image": "", "mask": "x"}, ["mask"]),
        ({"init_image": "x"}, ["init_image"]),
        ({"init_image": "image:x"}, ["init_image"]),
        ({"init_image": "file:/etc/passwd"}, ["init_image"]),
        ({"init_image": "00000000-0000-0000-0000-000000000000"}, ["init_image"]),
        ({"mask": "00000000-0000-0000-0000-000000000000"}, ["mask"]),
    ],
)
def test_each_wrong_field_is_named(as_alice: Client, alice: User, fields: dict[str, Any], wrong: list[str]) -> None:
    answer = request(as_alice, **{"init_image": str(make_input(alice).pk)} | fields)
    if wrong:
        assert wrong_fields(answer) == wrong
        assert not Generation.objects.exists()
    else:
        assert answer.status_code == 201


def test_a_mask_of_another_size_and_a_picture_in_the_bin_are_refused(as_alice: Client, alice: User) -> None:
    start, mask = str(make_input(alice).pk), str(make_input(alice, make_picture(64, 64)).pk)
    answer = request(as_alice, init_image=start, mask=mask)
    assert wrong_fields(answer) == ["mask"]
    assert answer.json()["errors"][0]["limit"] == "96 × 64"
    gone = make_image(alice, in_bin_for=dt.timedelta(hours=1))
    assert wrong_fields(request(as_alice, init_image=f"image:{gone.pk}")) == ["init_image"]


def test_a_model_that_cannot_says_so(as_alice: Client, alice: User) -> None:
    Worker.objects.create(name="w", card={"name": "Starter", "can_start_from_image": False})
    assert as_alice.get("/api/v1/models").json()["models"][0]["can_start_from_image"] is False
    assert wrong_fields(request(as_alice, init_image=str(make_input(alice).pk))) == ["init_image"]


def test_a_row_with_a_start_is_claimed_alone(alice: User, ask: Ask) -> None:
    start = str(make_input(alice).pk)
    rows = [*ask(alice), *ask(alice, init_image=start, count=2), *ask(alice, count=2)]
    claims = [scheduling.claim(worker="w", most=4) for _ in range(3)]
    assert [[row.pk for row in claim] for claim in claims] == [
        [rows[0].pk, rows[3].pk, rows[4].pk],
        [rows[1].pk],
        [rows[2].pk],
    ]


# -- drawing ----------------------------------------------------------------------------------------------------------


def test_it_is_drawn_from_an_input_and_a_picture_of_ones_own(alice: User, ask: Ask, studio: Studio) -> None:
    half, before = PIL.Image.new("L", (160, 128), 0), make_picture(160, 128)
    half.paste(255, (0, 0, 80, 128))
    start, mask, picture = make_input(alice, before), make_input(alice, half), make_image(alice)
    rows = [
        *ask(alice, width=160, steps=8, init_image=str(start.pk), mask=str(mask.pk), strength=0.9),
        *ask(alice, width=160, steps=8, init_image=f"image:{picture.pk}"),
    ]
    while studio.draw_next_batch():
        pass
    studio.close()
    masked, whole = map(fresh, rows)
    assert [(row.state, row.step) for row in (masked, whole)] == [(State.SUCCEEDED, 8), (State.SUCCEEDED, 5)]
    assert masked.image is not None
    record = masked.image.record
    assert (record["init_image"], record["mask"], record["strength"]) == (str(start.pk), str(mask.pk), 0.9)
    with masked.image.file.open() as file, PIL.Image.open(file) as drawn:
        pixels = np.asarray(drawn)
    assert (pixels[:, 80:] == np.asarray(before)[:, 80:]).all()
    assert (pixels[:, :80] != np.asarray(before)[:, :80]).any()


def test_progress_counts_the_steps_that_are_drawn(
    alice: User, ask: Ask, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    record = services.record_step
    monkeypatch.setattr(services, "record_step", lambda rows, step: told.append(step) or record(rows=rows, step=step))
    ask(alice, steps=8, init_image=str(make_input(alice).pk), strength=0.3)
    assert studio.draw_next_batch() == 1
    assert told == [1, 2, 3]


def test_a_start_that_is_gone_fails_that_row_alone(alice: User, ask: Ask, studio: Studio) -> None:
    picture = make_image(alice)
    (row,) = ask(alice, init_image=f"image:{picture.pk}")
    (after,) = ask(alice)
    Image.objects.all().delete()
    while studio.draw_next_batch():
        pass
    studio.close()
    assert (fresh(row).state, fresh(row).failure) == (State.FAILED, Failure.START_GONE)
    assert not fresh(row).charged
    assert fresh(after).state == State.SUCCEEDED


def test_trying_again_starts_from_the_same(as_alice: Client, alice: User, ask: Ask) -> None:
    start = make_input(alice)
    (row,) = ask(alice, init_image=str(start.pk), mask=str(start.pk), strength=0.4)
    services.cancel(generation=row)
    (again,) = services.retry(user=alice, generation=row).generations
    assert (again.init_image, again.mask, again.strength) == (str(start.pk), str(start.pk), 0.4)
    assert again.cost == row.cost
    services.cancel(generation=again)
    start.delete()
    answer = as_alice.post(f"/api/v1/generations/{again.pk}/retry")
    assert wrong_fields(answer) == ["init_image", "mask"]
