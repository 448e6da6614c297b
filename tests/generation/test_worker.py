"""`manage.py worker` as a process of its own: what it says of itself, and what becomes of its rows when it goes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from gallery.models import Image
from generation import services
from generation.models import Generation, State, Worker
from tests.engine.mirror import COMMIT, MODEL, SHARD, publish, serve
from tests.site.running import until

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]
MANAGE = Path(settings.BASE_DIR) / "manage.py"


@contextmanager
def worker(name: str, **changes: str) -> Iterator[subprocess.Popen[str]]:
    """A worker on the test's database and Redis."""
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    environment |= {"DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}"} | changes
    with subprocess.Popen(
        [sys.executable, str(MANAGE), "worker", "--name", name],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def is_ready(name: str) -> bool:
    return any(found.is_ready for found in Worker.objects.filter(name=name))


def state_of(row: Generation) -> str:
    return Generation.objects.get(pk=row.pk).state


def test_it_draws_what_waits_says_what_it_is_and_leaves_cleanly(alice: User, ask: Ask) -> None:
    rows = ask(alice, 3)
    with worker("w1") as process:
        until(lambda: all(state_of(row) == State.SUCCEEDED for row in rows), seconds=60, what="three pictures")
        found = Worker.objects.get(name="w1")
        assert found.is_ready
        assert (found.pid, found.card["device"], found.card["is_starter"]) == (process.pid, "cpu", True)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "nothing was left in hand" in out
    assert Worker.objects.get(name="w1").state == Worker.State.STOPPED


def test_killed_while_drawing_its_picture_is_drawn_once_by_another(alice: User, ask: Ask) -> None:
    """Nobody tells the second worker: the lease alone brings the row back."""
    (row,) = ask(alice, width=384, height=384, steps=30)
    with worker("first", LEASE_SECONDS="5") as process:
        until(lambda: Generation.objects.get(pk=row.pk).step >= 2, seconds=60, what="the second step")
        process.kill()
    assert state_of(row) == State.RUNNING
    with worker("second", LEASE_SECONDS="5"):
        until(lambda: state_of(row) == State.SUCCEEDED, seconds=60, what="the picture, from the other worker")
    done = Generation.objects.get(pk=row.pk)
    assert (done.worker, done.attempt) == ("second", 2)
    assert Image.objects.count() == 1


def test_sigterm_while_drawing_hands_the_picture_back_unharmed(alice: User, ask: Ask) -> None:
    (row,) = ask(alice, width=384, height=384, steps=50)
    with worker("w") as process:
        until(lambda: Generation.objects.get(pk=row.pk).step >= 2, seconds=60, what="the second step")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
    after = Generation.objects.get(pk=row.pk)
    assert (after.state, after.attempt, after.step) == (State.QUEUED, 0, 0)


def test_an_engine_that_hangs_ends_its_process_and_the_picture_goes_to_another(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    hanging = {"ZIMAGE_BENCHMARK": "on", "ZIMAGE_MODEL": "timed:3600", "ZIMAGE_STALL_SECONDS": "5"}  # 15 s a step
    with worker("hung", LEASE_SECONDS="5", **hanging) as process:
        until(lambda: state_of(row) == State.RUNNING, seconds=60, what="it is being drawn")
        _, err = process.communicate(timeout=14)
    assert process.returncode == 1
    assert "the engine hangs and this process ends" in err
    with worker("other", LEASE_SECONDS="5"):
        until(lambda: state_of(row) == State.SUCCEEDED, seconds=60, what="the picture, from the other worker")


@pytest.mark.parametrize("model", ["nowhere/no-such-model", "/no/such/folder"])
def test_a_wrong_model_is_one_sentence_and_the_queue_waits(alice: User, ask: Ask, model: str) -> None:
    (row,) = ask(alice)
    with worker("w", ZIMAGE_MODEL=model, HF_HUB_OFFLINE="1") as process:
        _, err = process.communicate(timeout=90)
    assert process.returncode == os.EX_CONFIG
    assert "Traceback" not in err
    (sentence,) = [line for line in err.splitlines() if "The worker cannot start" in line]
    assert "ZIMAGE_MODEL" in sentence
    assert model in sentence
    found = Worker.objects.get(name="w")
    assert (found.state, found.is_alive) == (Worker.State.BROKEN, False)
    assert model in found.message
    assert state_of(row) == State.QUEUED


def test_while_its_model_comes_from_the_hub_the_site_says_how_far_it_is(client: Client, tmp_path: Path) -> None:
    published = publish(Path(settings.STARTER_MODEL_DIR), tmp_path / "published")
    with serve(published) as hub:
        hub.stalls = {SHARD.format(5)}
        with worker("w", ZIMAGE_MODEL=MODEL, HF_HOME=str(tmp_path / "hf"), **hub.environment):
            assert hub.stalled.wait(60)
            until(lambda: Worker.objects.get(name="w").progress > 20, seconds=20, what="the progress of the download")
            found = Worker.objects.get(name="w")
            assert re.fullmatch(rf"Downloading {MODEL}: [\d.]+ MB of [\d.]+ MB", found.message)
            (said,) = client.get("/health/workers").json()["workers"]
            assert (said["state"], said["progress"]) == ("loading", found.progress)
            assert found.progress < 50
            hub.stalls = set()
            hub.go_on.set()
            until(lambda: is_ready("w"), seconds=60, what="the model")
    card = Worker.objects.get(name="w").card
    assert (card["source"], card["revision"]) == (MODEL, COMMIT)


def test_a_worker_that_starts_again_takes_back_its_own_rows_at_once(alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    services.start(worker="w", most=1)  # an earlier process of this name that was killed; its lease still runs
    with worker("w"):
        until(lambda: state_of(row) == State.SUCCEEDED, seconds=25, what="the picture, before the lease ends")
