"""Alice asks, Bob is somebody else, Charlie is staff."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django_rq
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from generation import services, styles, watch
from generation.catalogue import Model
from generation.engine.engine import PipelineEngine, load
from generation.engine.types import EngineOptions
from generation.jobs import Studio
from generation.models import Generation, Style
from generation.parameters import Parameters

MODEL = Model(native_pixels=128 * 128)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="pw")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", password="pw")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_superuser("charlie", password="pw")


@pytest.fixture(autouse=True)
def quiet_doorbell(redis_server: str) -> None:
    django_rq.get_queue("generation").empty()


@pytest.fixture
def ask() -> Callable[..., list[Generation]]:
    """Ask for pictures as the API does; returns the rows."""

    def submit(user: User, count: int = 1, **changes: Any) -> list[Generation]:
        key = changes.pop("idempotency_key", None)
        fields = {"prompt": "a red fox", "width": 128, "height": 128, "steps": 4} | changes
        parameters = Parameters.checked(MODEL, count=count, **fields)
        return services.submit(user=user, parameters=parameters, idempotency_key=key).generations

    return submit


@pytest.fixture
def as_alice(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture(autouse=True)
def first_styles(db: None) -> None:
    """Those of the migration; a test with transactions of its own leaves empty tables to the next."""
    styles.forget()
    if not Style.objects.exists():
        make = import_module("generation.migrations.0008_variety").make_first_styles
        make(apps, SimpleNamespace(connection=connection))


@pytest.fixture(autouse=True)
def empty_media(db: None) -> Iterator[None]:
    yield
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


@pytest.fixture(scope="session")
def engine() -> PipelineEngine:
    """The starter model, really loaded."""
    loaded = load(EngineOptions(model="auto", device="cpu", starter_dir=Path(settings.STARTER_MODEL_DIR)))
    assert isinstance(loaded, PipelineEngine)
    return loaded


@pytest.fixture
def studio(engine: PipelineEngine) -> Iterator[Studio]:
    studio = Studio(engine=engine, worker="w")
    yield studio
    studio.close()


@pytest.fixture
def every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """However short: steps of this size take milliseconds."""
    monkeypatch.setattr(watch, "_TELLING_SECONDS", 0)
