"""`manage.py up --workers 2`: both draw at the same time, and no picture is drawn twice."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.site.running import Site, manage, site, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")

COUNT = 12


def _workers(running: Site) -> list[dict[str, Any]]:
    return running.get("/health/workers")[1]["workers"]  # type: ignore[no-any-return]


def _rows(data_dir: Path, columns: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(data_dir / "db.sqlite3", timeout=20) as database:
        return database.execute(f"SELECT {columns} FROM generation_generation").fetchall()  # noqa: S608


def test_two_workers_share_the_queue(known_folder: Path) -> None:
    needs = {"ZIMAGE_THREADS": "1", "ZIMAGE_DEVICE": "cpu", "ZIMAGE_MAX_BATCH": "1", "RATE_LIMIT": ""}
    with site(known_folder, "--workers", "2", **needs) as running:
        until(lambda: running.get("/health/workers")[1]["ready"] == 2, seconds=120, what="both workers are ready")
        token = manage("create_api_token", "admin", data_dir=known_folder).stdout.split()[1]
        for seed in range(COUNT):
            httpx.post(
                f"http://localhost:{running.port}/api/v1/generations",
                json={"prompt": "a red fox", "width": 384, "height": 384, "steps": 8, "seed": seed},
                headers={"Authorization": f"Bearer {token}"},
            ).raise_for_status()
        until(
            lambda: len({name for state, name in _rows(known_folder, "state, worker") if state == "running"}) == 2,
            what="both draw at once",
        )
        until(lambda: {state for (state,) in _rows(known_folder, "state")} == {"succeeded"}, seconds=120)
        until(lambda: all(worker["last_drawn_at"] for worker in _workers(running)), what="both have said so")
        for worker in _workers(running):
            assert (worker["address"], worker["model"]) == ("cpu", "Starter model")
            assert 50 << 20 < worker["memory_used"] < worker["memory_total"]
        drawn = until(lambda: (told := sum(row["drawn"] for row in _workers(running))) >= COUNT and told)
        assert drawn == COUNT, "none was drawn twice"

    rows = _rows(known_folder, "worker, attempt, image_id")
    assert len({image for _, _, image in rows}) == COUNT
    assert {attempt for _, attempt, _ in rows} == {1}
    by_worker = Counter(worker for worker, _, _ in rows)
    assert len(by_worker) == 2
    assert min(by_worker.values()) >= 2
