"""What can go wrong with a model or a request ends in the stated way, and the next picture is drawn."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from generation.engine.engine import load
from generation.engine.types import EngineOptions
from generation.jobs import Studio
from generation.models import Failure, Generation, State, Worker
from tests.generation.test_worker import worker
from tests.site.running import until

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]


def fresh(row: Generation) -> Generation:
    return Generation.objects.get(pk=row.pk)


def test_twenty_megapixels_fail_alone_and_cost_nothing(alice: User, ask: Ask) -> None:
    """They were asked for when a model was loaded that draws them."""
    (huge,), (next_one,) = ask(alice), ask(alice)
    Generation.objects.filter(pk=huge.pk).update(width=5120, height=4096)
    engine = load(EngineOptions(model="auto", device="cpu", starter_dir=Path(settings.STARTER_MODEL_DIR)))
    studio = Studio(engine=engine, worker="w")
    while studio.draw_next_batch():
        pass
    studio.close()
    huge = fresh(huge)
    assert (huge.state, huge.failure, huge.charged) == (State.FAILED, Failure.UNSUPPORTED, False)
    assert fresh(next_one).state == State.SUCCEEDED


def test_truncated_weights_stop_the_worker_and_the_queue_waits_for_whole_ones(
    alice: User, ask: Ask, tmp_path: Path
) -> None:
    (row,) = ask(alice)
    whole = Path(settings.STARTER_MODEL_DIR)
    broken = Path(shutil.copytree(whole, tmp_path / "broken"))
    [weights] = (broken / "transformer").glob("*.safetensors")
    os.truncate(weights, weights.stat().st_size // 2)
    with worker("broken", ZIMAGE_MODEL=str(broken)) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == os.EX_CONFIG
    last_line = said.strip().splitlines()[-1]
    assert last_line.startswith("CommandError: The worker cannot start: ")
    assert str(broken) in last_line
    assert Worker.objects.get(name="broken").state == Worker.State.BROKEN
    assert (fresh(row).state, fresh(row).attempt) == (State.QUEUED, 0)

    shutil.copy(next((whole / "transformer").glob("*.safetensors")), weights)
    with worker("mended", ZIMAGE_MODEL=str(broken)):
        until(lambda: fresh(row).state == State.SUCCEEDED, seconds=60, what="the picture, with whole weights")
