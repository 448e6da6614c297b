"""The probes: what they say when all is well, and that each failure has a reason, a 503 and no secret in it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from generation.models import Worker
from tests.site.running import environment
from zimageweb import health

pytestmark = pytest.mark.django_db

_ASK = """
import django; django.setup()
from django.test import Client
import time; began = time.monotonic()
for path in ("/health/ready", "/health/workers"):
    answer = Client().get(path, headers={"Host": "localhost"})
    print(answer.status_code, answer.content.decode())
print(time.monotonic() - began < 6)
"""


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_schema_is_current", False)


@pytest.fixture
def worker() -> Worker:
    return Worker.objects.create(
        name="gpu-box-0",
        host="gpu-box",
        pid=4711,
        state=Worker.State.IDLE,
        progress=100,
        card={"name": "Z-Image-Turbo", "device": "NVIDIA H200", "plan": "bfloat16 weights, all parts stay on cuda."},
        drawn=12,
        device_state={"address": "cuda:1", "used": 21 << 30, "total": 141 << 30},
        last_drawn_at=dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC),
    )


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/workers"])
def test_probes_need_no_sign_in_and_are_never_cached(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_live_asks_nobody(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert client.get("/health/live").json() == {"status": "ok"}


@pytest.mark.database
def test_ready_names_each_check(client: Client) -> None:
    checks = {"database": "ok", "migrations": "ok", "redis": "ok", "disk": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok", "checks": checks}


def test_ready_reports_a_redis_that_is_away(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://:secret-password@127.0.0.1:1/0"
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["redis"]) == (503, "Redis does not answer.")
    assert "secret" not in answer.content.decode()


@pytest.mark.database
def test_ready_reports_migrations_that_wait(client: Client) -> None:
    MigrationRecorder(connection).record_unapplied("zimageweb", "0002_preferences")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "1 migrations are not applied: run `manage.py migrate`."


def test_ready_reports_a_full_disk(client: Client, settings: Settings) -> None:
    settings.READY_FREE_MEGABYTES = 10**9
    assert "MB left; 1000000000 are wanted." in client.get("/health/ready").json()["checks"]["disk"]


def test_ready_reports_a_folder_that_cannot_be_written_to(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.touch()
    assert client.get("/health/ready").json()["checks"]["disk"].startswith("The data folder cannot be written to:")


def test_ready_waits_for_a_worker_only_by_setting(client: Client, settings: Settings, worker: Worker) -> None:
    settings.READY_NEEDS_WORKER = True
    assert client.get("/health/ready").json()["checks"]["worker"] == "ok"

    Worker.objects.update(state=Worker.State.LOADING)
    assert client.get("/health/ready").json()["checks"]["worker"] == "The worker is still loading the model."

    Worker.objects.update(seen_at=timezone.now() - dt.timedelta(minutes=5))
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["worker"]) == (503, "No worker is running.")

    settings.READY_NEEDS_WORKER = False
    assert client.get("/health/ready").status_code == 200


def test_workers_tell_strangers_no_host(client: Client, worker: Worker) -> None:
    answer = client.get("/health/workers")
    assert "gpu-box" not in answer.content.decode()
    assert answer.json() == {
        "ready": 1,
        "workers": [
            {
                "name": "worker-1",
                "state": "idle",
                "progress": 100,
                "device": "NVIDIA H200",
                "model": "Z-Image-Turbo",
                "drawn": 12,
                "seen_at": worker.seen_at.isoformat(),
                "alive": True,
                "address": "cuda:1",
                "memory_used": 21 << 30,
                "memory_total": 141 << 30,
                "last_drawn_at": "2026-11-24T09:00:00+00:00",
            }
        ],
    }


def test_workers_tell_members_the_host(client: Client, worker: Worker, alice: User) -> None:
    client.force_login(alice)
    listed = client.get("/health/workers").json()["workers"][0]
    assert (listed["name"], listed["host"], listed["pid"]) == ("gpu-box-0", "gpu-box", 4711)
    assert listed["plan"] == "bfloat16 weights, all parts stay on cuda."


@pytest.mark.parametrize("database", ["sqlite:////proc/nowhere/db.sqlite3", "postgres://someone:secret@127.0.0.1:1/db"])
def test_without_a_database_the_answer_is_quick_and_says_so(tmp_path: Path, database: str) -> None:
    given = environment(tmp_path, DATABASE_URL=database, DJANGO_SETTINGS_MODULE="zimageweb.settings")
    began = time.monotonic()
    asked = subprocess.run([sys.executable, "-c", _ASK], env=given, capture_output=True, text=True, check=True)
    ready, workers, quick = asked.stdout.splitlines()
    assert ready.startswith("503 ")
    assert '"database": "The database does not answer."' in ready
    assert '"migrations": "Not checked, as the database does not answer."' in ready
    assert workers == '503 {"status": "unavailable", "detail": "The database does not answer."}'
    assert quick == "True", time.monotonic() - began
    assert "secret" not in asked.stdout
