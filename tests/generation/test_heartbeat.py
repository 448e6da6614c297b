"""A worker's heartbeat and its words on loading outlast whatever goes wrong around them."""

from __future__ import annotations

from unittest import mock

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from generation import worker
from generation.models import Worker
from generation.worker import DrawingWorker

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("error", [OperationalError("the database is gone"), ValueError("nobody thought of this")])
def test_a_beat_that_fails_is_followed_by_the_next(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BEAT_SECONDS", 0)
    monkeypatch.setattr(worker, "close_old_connections", lambda: None)  # it is the test's own connection here
    beating, beats = DrawingWorker("w"), 0

    def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 1:
            raise error
        beating._stopped.set()

    monkeypatch.setattr(beating, "_beat", beat)
    beating._keep_beating()
    assert beats == 2


def test_loading_goes_on_where_it_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "close_old_connections", lambda: None)
    Worker.objects.create(name="w")
    loading = DrawingWorker("w")
    with mock.patch.object(QuerySet, "update", side_effect=OperationalError("the database is gone")):
        loading._show_progress(0.4, "Downloading")
    loading._show_progress(0.5, "Reading")
    told = Worker.objects.get(name="w")
    assert (told.progress, told.message) == (50, "Reading")
