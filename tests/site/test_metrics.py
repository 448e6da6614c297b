"""`/metrics` as Prometheus reads it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from gallery.models import Image
from generation import services
from generation.models import Failure, Worker
from generation.parameters import Parameters
from tests.factories import make_image
from tests.generation.conftest import MODEL
from zimageweb import metrics

pytestmark = [pytest.mark.django_db, pytest.mark.database]

Samples = dict[tuple[str, str], float]


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def worker() -> Worker:
    state = {"address": "cuda:1", "used": 21 << 30, "total": 141 << 30}
    card = {"name": "Z-Image-Turbo", "device": "NVIDIA H200"}
    return Worker.objects.create(name="gpu-box-0", state=Worker.State.IDLE, card=card, drawn=12, device_state=state)


def read(client: Client, **headers: str) -> Samples:
    """Values by name and the label that tells them apart: of workers their name, of the rest the only one."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert "no-store" in answer["Cache-Control"]
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found[sample.name, sample.labels.get("worker", "".join(sample.labels.values()))] = sample.value
    return found


def test_an_empty_site_has_figures_too(client: Client) -> None:
    found = read(client)
    assert found["zimageweb_queue_pictures", "queued"] == 0
    assert found["zimageweb_workers", "idle"] == 0
    assert found["zimageweb_disk_total_bytes", ""] > 0
    assert ("zimageweb_wait_seconds", "0.5") not in found, "there is no wait yet, not one of nothing"


def test_the_line_and_what_became_of_it(client: Client, alice: User) -> None:
    parameters = Parameters.checked(MODEL, prompt="a fox", width=128, height=128, steps=4, count=4)
    services.submit(user=alice, parameters=parameters)
    (failing,) = services.start(worker="w", most=1)
    services.fail(row=failing, failure=Failure.ENGINE)
    services.start(worker="w", most=1)
    make_image(alice)
    found = read(client)
    assert found["zimageweb_queue_pictures", "queued"] == 2
    assert found["zimageweb_queue_pictures", "running"] == 1
    assert found["zimageweb_queue_people", ""] == 1
    assert found["zimageweb_pictures_today", "failed"] == 1
    assert found["zimageweb_pictures_bytes", ""] == Image.objects.get().bytes


def test_workers_keep_their_names_from_strangers(client: Client, worker: Worker, settings: Settings) -> None:
    found = read(client)
    assert found["zimageweb_workers", "idle"] == 1
    assert found["zimageweb_worker_pictures_total", "worker-1"] == 12
    assert found["zimageweb_worker_memory_used_bytes", "worker-1"] == 21 << 30
    assert not any("gpu-box" in label for _name, label in found)
    settings.METRICS_TOKEN = "scrape-me"
    assert read(client, authorization="Bearer scrape-me")["zimageweb_worker_pictures_total", "gpu-box-0"] == 12
    Worker.objects.update(seen_at=timezone.now() - 2 * Worker.ALIVE_FOR)
    assert read(client, authorization="Bearer scrape-me")["zimageweb_workers", "silent"] == 1


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic scrape-me"}])
def test_a_token_closes_them(client: Client, settings: Settings, headers: dict[str, str]) -> None:
    settings.METRICS_TOKEN = "scrape-me"
    answer = client.get("/metrics", headers=headers)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_a_scrape_asks_few_questions(
    client: Client, alice: User, worker: Worker, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        make_image(alice)
    with django_assert_max_num_queries(6):
        read(client)


def test_without_a_database_it_is_a_quick_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: bool) -> None:
        raise OperationalError("no route to postgres://someone:secret@host")

    monkeypatch.setattr(metrics, "figures", away)
    answer = client.get("/metrics")
    assert (answer.status_code, answer.content) == (503, b"The database does not answer.\n")
