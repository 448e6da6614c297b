"""Starting from a picture: bringing one, asking with it, drawing from it, and that it stays as long as it is needed."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from gallery import inputs
from gallery.metadata.texts import LARGEST_FILE
from gallery.models import Image, Input
from generation import jobs, scheduling, services
from generation.engine.engine import PipelineEngine, load
from generation.engine.types import EngineOptions
from generation.jobs import Studio
from generation.models import Failure, Generation, State, Worker
from generation.services import starts
from tests.factories import make_image, make_picture

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]


def as_file(picture: PIL.Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def bring(client: Client, content: bytes) -> Any:
    return client.post("/api/v1/inputs", {"file": SimpleUploadedFile("fox.png", content)})


def make_input(owner: User, picture: PIL.Image.Image | None = None) -> Input:
    return inputs.keep(owner_id=owner.pk, file=io.BytesIO(as_file(picture or make_picture())))


def request(client: Client, **fields: Any) -> Any:
    body = {"prompt": "a fox", "width": 64, "height": 64, "steps": 8} | fields
    return client.post("/api/v1/generations", data=json.dumps(body), content_type="application/json")


def wrong_fields(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.content
    return [error["field"] for error in answer.json()["errors"]]


def fresh(row: Generation) -> Generation:
    return Generation.objects.select_related("image").get(pk=row.pk)


# -- bringing one -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_kept_as_png_for_a_day(as_alice: Client, alice: User, kind: str) -> None:
    answer = bring(as_alice, as_file(make_picture(90, 60), kind))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["width"], body["height"]) == (90, 60)
    left = dt.datetime.fromisoformat(body["expires_at"]) - timezone.now()
    assert dt.timedelta(hours=23) < left <= dt.timedelta(days=1)
    (file,) = (Path(settings.MEDIA_ROOT) / "inputs" / str(alice.pk)).iterdir()
    with PIL.Image.open(file) as kept:
        assert (kept.format, kept.mode, kept.size) == ("PNG", "RGB", (90, 60))
    assert as_alice.get(f"/api/v1/inputs/{body['id']}").json() == body
    sent = as_alice.get(f"/api/v1/inputs/{body['id']}/file")
    assert b"".join(sent.streaming_content) == file.read_bytes()  # type: ignore[attr-defined]
    assert "private" in sent["Cache-Control"]


def test_it_is_nobody_elses(alice: User, bob: User, client: Client) -> None:
    kept, picture = make_input(alice), make_image(alice)
    client.force_login(bob)
    assert client.get(f"/api/v1/inputs/{kept.pk}").status_code == 404
    assert client.get(f"/api/v1/inputs/{kept.pk}/file").status_code == 404
    assert wrong_fields(request(client, init_image=str(kept.pk))) == ["init_image"]
    assert wrong_fields(request(client, init_image=f"image:{picture.pk}")) == ["init_image"]


def test_without_signing_in_nothing_is_kept(client: Client, db: None) -> None:
    assert bring(client, as_file(make_picture())).status_code == 401
    assert not Input.objects.exists()


def test_it_is_turned_upright_and_keeps_no_metadata(alice: User) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "where I live"
    kept = inputs.keep(owner_id=alice.pk, file=io.BytesIO(as_file(make_picture(90, 60), "JPEG", exif=exif)))
    assert (kept.width, kept.height) == (60, 90)
    assert b"where I live" not in kept.file.read()


@pytest.mark.parametrize(
    ("picture", "mode", "value"),
    [
        (PIL.Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "RGB", (255, 255, 255)),
        (PIL.Image.new("P", (8, 8), 0), "RGB", (0, 0, 0)),
        (PIL.Image.new("1", (8, 8), 1), "L", 255),
        (PIL.Image.new("L", (8, 8), 128), "L", 128),
        (PIL.Image.new("I;16", (8, 8), 128 * 256), "L", 128),
    ],
)
def test_every_kind_of_pixel_becomes_colour_or_grey(
    alice: User, picture: PIL.Image.Image, mode: str, value: object
) -> None:
    kept = inputs.opened(alice.pk, str(make_input(alice, picture).pk))
    assert (kept.mode, kept.getpixel((3, 3))) == (mode, value)


def test_a_large_picture_is_scaled_down(alice: User) -> None:
    kept = make_input(alice, PIL.Image.new("L", (8_192, 64)))
    assert (kept.width, kept.height) == (4_096, 32)


@pytest.mark.parametrize("content", [b"", b"no picture", as_file(make_picture())[:900], as_file(make_picture(), "GIF")])
def test_what_is_no_picture_is_refused(as_alice: Client, content: bytes) -> None:
    answer = bring(as_alice, content)
    assert answer.status_code == 422
    assert not Input.objects.exists()


def test_a_bomb_is_not_decoded(as_alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = as_file(PIL.Image.new("1", (10_000, 6_000)))
    assert len(bomb) < 100_000
    monkeypatch.setattr(PIL.Image.Image, "load", lambda _self: pytest.fail("decoded"))
    answer = bring(as_alice, bomb)
    assert wrong_fields(answer) == ["file"]
    assert "60.0 megapixels" in answer.json()["detail"]


def test_a_file_that_is_too_long_is_refused(as_alice: Client) -> None:
    assert bring(as_alice, b"x" * (LARGEST_FILE + 1)).status_code == 413


def test_only_so_many_are_kept(as_alice: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "MOST_INPUTS", 2)
    answers = [bring(as_alice, as_file(make_picture())) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[-1].json()["quota"] == "inputs"
    assert int(answers[-1]["Retry-After"]) > 80_000


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


@pytest.fixture(scope="module")
def engine() -> PipelineEngine:
    loaded = load(EngineOptions(model="auto", device="cpu", starter_dir=Path(settings.STARTER_MODEL_DIR)))
    assert isinstance(loaded, PipelineEngine)
    return loaded


@pytest.fixture
def studio(engine: PipelineEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr(jobs, "_TELLING_SECONDS", 0)
    studio = Studio(engine=engine, worker="w")
    yield studio
    studio.close()


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


# -- how long it stays ------------------------------------------------------------------------------------------------


def sweep(*arguments: str) -> tuple[list[str], str]:
    out = io.StringIO()
    call_command("cleanup_images", *arguments, stdout=out)
    *lines, closing = out.getvalue().replace("\xa0", " ").splitlines()
    return lines, closing


def grow_old(*kept: Input) -> None:
    Input.objects.filter(pk__in=[one.pk for one in kept]).update(used_at=timezone.now() - dt.timedelta(hours=25))


def test_what_nobody_has_used_for_a_day_goes_as_the_dry_run_says(alice: User, bob: User, ask: Ask) -> None:
    old, young, theirs, waited_for, mask = (make_input(who) for who in (alice, alice, bob, alice, alice))
    (row,) = ask(alice, init_image=str(waited_for.pk), mask=str(mask.pk))
    grow_old(old, theirs, waited_for, mask)
    lines, closing = sweep("--dry-run")
    assert {line.split()[1] for line in lines} == {str(old.pk), str(theirs.pk)}
    assert "2 uploads" in closing
    assert Input.objects.count() == 5
    assert sweep("--user", "bob")[0][0].split()[:3] == ["input", str(theirs.pk), "bob"]
    lines, closing = sweep()
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
    lines, _closing = sweep()
    told = {tuple(line.split()[:2]) for line in lines}
    assert told == {("orphan", kept.file.name), ("missing", str(lost.pk))}
    assert not Path(kept.file.path).exists()
    assert Input.objects.filter(pk=lost.pk).exists()


def test_deleting_a_person_removes_them(alice: User) -> None:
    path = Path(make_input(alice).file.path)
    assert path.exists()
    alice.delete()
    assert not path.exists()
