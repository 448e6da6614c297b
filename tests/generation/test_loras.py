"""LoRAs from the request to the picture: limits, the queue, retry, the record, and files that cannot be used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from PIL import Image as PillowImage

from gallery.models import Image
from generation import quotas, services
from generation.catalogue import Model
from generation.engine.engine import load
from generation.engine.types import Engine, EngineOptions
from generation.jobs import Studio
from generation.loras import LoraChoice
from generation.models import Failure, Generation, State, Worker
from generation.parameters import Parameters
from tests.engine.lora_making import make_lora
from tests.factories import make_image

pytestmark = pytest.mark.django_db(transaction=True)

WANTED = [{"name": "styles/oil", "weight": 0.5}, {"name": "ink", "weight": 1}]
KEPT = [{"name": "ink", "weight": 1.0}, {"name": "styles/oil", "weight": 0.5}]
SMALL = {"prompt": "a red fox", "width": 128, "height": 128, "steps": 2}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = Path(settings.STARTER_MODEL_DIR)
    folder = tmp_path_factory.mktemp("loras")
    make_lora(model, folder / "ink.safetensors", trigger="ink wash")
    make_lora(model, folder / "styles" / "oil.safetensors", seed=2)
    (folder / "torn.safetensors").write_bytes((folder / "ink.safetensors").read_bytes()[:-64])
    return folder


@pytest.fixture(scope="session")
def engine(folder: Path) -> Engine:
    starter = Path(settings.STARTER_MODEL_DIR)
    return load(EngineOptions(model="auto", device="cpu", starter_dir=starter, lora_dir=folder, max_batch=4))


@pytest.fixture
def studio(engine: Engine) -> Iterator[Studio]:
    studio = Studio(engine=engine, worker="w")
    yield studio
    studio.close()


@pytest.fixture(autouse=True)
def worker(engine: Engine) -> None:
    """What the worker has written of itself is all that web processes know."""
    Worker.objects.create(name="w", state=Worker.State.IDLE, card=engine.card.as_dict())


def ask_for(user: User, *loras: tuple[str, float], **changes: Any) -> Generation:
    model = Model.from_card(Worker.objects.get().card)
    chosen = [LoraChoice(*lora) for lora in loras]
    parameters = Parameters.checked(model, loras=chosen, **(SMALL | {"seed": 1} | changes))
    (row,) = services.submit(user=user, parameters=parameters).generations
    return row


def post(client: Client, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    return client.post(
        "/api/v1/generations", json.dumps(SMALL | fields), content_type="application/json", headers=headers
    )


def fresh(row: Generation) -> Generation:
    return Generation.objects.select_related("image").get(pk=row.pk)


def pixels(row: Generation) -> np.ndarray:
    image = fresh(row).image
    assert image is not None
    with image.file.open() as file, PillowImage.open(file) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def draw_all(studio: Studio) -> None:
    while studio.draw_next_batch():
        pass
    studio.close()


# -- asking -----------------------------------------------------------------------------------------------------------


def test_the_models_list_what_there_is(as_alice: Client) -> None:
    (model,) = as_alice.get("/api/v1/models").json()["models"]
    assert model["loras"] == [
        {"name": "ink", "triggers": ["ink wash"]},
        {"name": "styles/oil", "triggers": []},
        {"name": "torn", "triggers": ["ink wash"]},
    ]


def test_they_are_kept_told_and_copied_on_retry(as_alice: Client) -> None:
    (told,) = post(as_alice, loras=WANTED).json()["generations"]
    assert told["loras"] == KEPT
    row = Generation.objects.get()
    assert row.loras == KEPT
    row.full_clean()
    services.cancel(generation=row)
    (again,) = as_alice.post(f"/api/v1/generations/{row.pk}/retry").json()["generations"]
    assert again["loras"] == KEPT


def test_without_any_the_list_is_empty(as_alice: Client) -> None:
    (told,) = post(as_alice).json()["generations"]
    assert told["loras"] == []


@pytest.mark.parametrize(
    ("loras", "sentence", "limit"),
    [
        ([{"name": "ink", "weight": 2.1}], "The weight of the LoRA ink must be between -2 and 2.", 2.0),
        ([{"name": "ink", "weight": -3}], "The weight of the LoRA ink must be between -2 and 2.", -2.0),
        ([{"name": "nil"}], "There is no LoRA nil. Choose of: ink, styles/oil, torn.", "ink, styles/oil, torn"),
        ([{"name": "../ink"}], "There is no LoRA ../ink. Choose of: ink, styles/oil, torn.", "ink, styles/oil, torn"),
        ([{"name": "ink"}, {"name": "ink"}], "A LoRA was chosen twice. Choose each once and set its weight.", None),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    as_alice: Client, loras: list[dict[str, Any]], sentence: str, limit: object
) -> None:
    answer = post(as_alice, loras=loras)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["message"], error.get("limit")) == ("loras", sentence, limit)
    assert not Generation.objects.exists()


def test_at_most_four(as_alice: Client) -> None:
    Worker.objects.update(card={"loras": [{"name": f"l{number}", "triggers": []} for number in range(5)]})
    assert post(as_alice, loras=[{"name": f"l{number}"} for number in range(4)]).status_code == 201
    (error,) = post(as_alice, loras=[{"name": f"l{number}"} for number in range(5)]).json()["errors"]
    assert (error["message"], error["limit"]) == ("5 LoRAs were chosen; the limit is 4 for one picture.", 4)


def test_a_site_without_any_says_so(as_alice: Client) -> None:
    Worker.objects.update(card={})
    (error,) = post(as_alice, loras=[{"name": "ink"}]).json()["errors"]
    assert error["message"] == "There is no LoRA ink: this site has none."


def test_another_weight_is_another_request_under_one_key(as_alice: Client) -> None:
    key = {"Idempotency-Key": "one"}
    first = post(as_alice, loras=WANTED, headers=key).json()
    turned = post(as_alice, loras=WANTED[::-1], headers=key)
    assert (turned.status_code, turned.json()["batch"]) == (201, first["batch"])
    assert post(as_alice, loras=WANTED[:1], headers=key).status_code == 409


@pytest.mark.parametrize(
    "stored",
    [{"name": "ink"}, "ink", [1], [{"name": "ink"}], [{"name": "ink", "weight": 3.0}], [{"name": "", "weight": 1.0}]],
)
def test_a_row_takes_no_other_shape(alice: User, stored: Any) -> None:
    row = ask_for(alice)
    row.loras = stored
    with pytest.raises(ValidationError, match="no list of LoRAs"):
        row.full_clean()


# -- drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.database
def test_only_rows_with_the_same_loras_are_claimed_together(alice: User) -> None:
    rows = [ask_for(alice, *loras) for loras in ([("ink", 1)], [], [("ink", 1)], [("ink", 0.5)], [])]
    claimed = [services.start(worker="w", most=4) for _ in range(3)]
    assert [[row.pk for row in batch] for batch in claimed] == [
        [rows[0].pk, rows[2].pk],
        [rows[1].pk, rows[4].pk],
        [rows[3].pk],
    ]


def test_the_picture_follows_them_and_tells_of_them(alice: User, studio: Studio, folder: Path) -> None:
    bare, ink = ask_for(alice), ask_for(alice, ("styles/oil", 0.5), ("ink", 1))
    after = ask_for(alice)
    draw_all(studio)
    assert (pixels(bare) != pixels(ink)).any()
    assert (pixels(bare) == pixels(after)).all()
    image = fresh(ink).image
    assert image is not None
    ink_hash, oil_hash = (
        hashlib.sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest() for name in ("ink", "styles/oil")
    )
    assert image.record["loras"] == [
        {"name": "ink", "weight": 1.0, "sha256": ink_hash},
        {"name": "styles/oil", "weight": 0.5, "sha256": oil_hash},
    ]
    with image.file.open() as file, PillowImage.open(file) as picture:
        assert json.loads(picture.info["zimageweb"])["record"]["loras"] == image.record["loras"]
        assert 'LoRAs: "ink: 1, styles/oil: 0.5"' in picture.info["parameters"]
        assert f'Lora hashes: "ink: {ink_hash[:12]}, styles/oil: {oil_hash[:12]}"' in picture.info["parameters"]


def test_a_damaged_file_fails_its_own_pictures_alone_and_costs_nothing(alice: User, studio: Studio) -> None:
    before = ask_for(alice)
    torn = [ask_for(alice, ("torn", 1)), ask_for(alice, ("torn", 1))]
    after, ink = ask_for(alice), ask_for(alice, ("ink", 1))
    draw_all(studio)
    assert [fresh(row).state for row in (before, *torn, after, ink)] == [
        State.SUCCEEDED, State.FAILED, State.FAILED, State.SUCCEEDED, State.SUCCEEDED,
    ]  # fmt: skip
    assert {fresh(row).failure for row in torn} == {Failure.LORA}
    assert (pixels(before) == pixels(after)).all()
    assert quotas.usage(alice).as_json()["day"]["used"] == 3


# -- using them again -------------------------------------------------------------------------------------------------


def test_the_create_page_takes_them_from_a_picture(as_alice: Client, alice: User) -> None:
    image = make_image(alice, record={"loras": [{"name": "ink", "weight": 0.5, "sha256": "00"}]})
    page = as_alice.get(f"/?reuse={image.pk}")
    assert page.context["bootstrap"]["reuse"]["loras"] == [{"name": "ink", "weight": 0.5}]


def test_a_picture_file_fills_in_those_that_are_here(as_alice: Client, alice: User) -> None:
    told = [{"name": name, "weight": 0.5, "sha256": "00"} for name in ("ink", "gone")]
    image: Image = make_image(alice, record={"loras": told})
    with image.file.open() as file:
        answer = as_alice.post("/api/v1/settings/from-image", {"file": file}).json()
    assert answer["loras"] == [{"name": "ink", "weight": 0.5}]
    assert "The picture was drawn with LoRAs that are not here: gone." in answer["notes"]
