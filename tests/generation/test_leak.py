"""A worker draws for weeks: what it holds in memory does not grow with the pictures that it has drawn."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.contrib.auth.models import User

from generation.engine.engine import load
from generation.engine.types import EngineOptions
from generation.jobs import Studio
from generation.models import Generation, Quota, State

pytestmark = pytest.mark.django_db(transaction=True)

SIDE = 256
WARMING = 60
PICTURES = 200
BOUND = 16 << 20
"""Bytes. It grows by 4 MiB, the cache of prompts included, and by 23 MiB if the pictures are kept."""


def test_two_hundred_pictures_leave_nothing_behind(alice: User, ask: Callable[..., list[Generation]]) -> None:
    """Each with a prompt of its own, previews, files and rows, as a worker draws them."""
    Quota.objects.create(user=alice, pictures_per_day=1_000, queued_at_once=1_000)
    engine = load(EngineOptions(model="auto", device="cpu", starter_dir=Path(settings.STARTER_MODEL_DIR)))
    studio = Studio(engine=engine, worker="w")
    process = psutil.Process()

    def draw(count: int) -> int:
        """Resident bytes after so many more pictures."""
        for number in range(count):
            ask(alice, prompt=f"{number} foxes of {count}", width=SIDE, height=SIDE, steps=2)
        while studio.draw_next_batch():
            pass
        gc.collect()
        return int(process.memory_info().rss)

    warm = draw(WARMING)
    growth = draw(PICTURES) - warm
    studio.close()
    assert Generation.objects.filter(state=State.SUCCEEDED).count() == WARMING + PICTURES
    sys.stdout.write(f"{growth / 2**20:.1f} MiB\n")
    assert growth < BOUND, f"{growth / 2**20:.1f} MiB more after {PICTURES} pictures"
