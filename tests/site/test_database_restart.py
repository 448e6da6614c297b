"""A PostgreSQL server that crashes and comes back under a running site: nothing that was accepted is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.on_postgresql import Server, postgresql, programs
from tests.site.running import Site, manage, site, until

TIMED = {"ZIMAGE_BENCHMARK": "on", "ZIMAGE_MODEL": "timed:4"}  # 1.0 s for a picture of 256x256 in 4 steps


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    binaries = programs()
    if binaries is None:
        message = "PostgreSQL is not installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with postgresql(binaries) as running:
        yield running


def _states(running: Site, headers: dict[str, str]) -> dict[str, str]:
    """By the prompt; empty while the site cannot answer."""
    answer = httpx.get(f"http://localhost:{running.port}/api/v1/generations", headers=headers, timeout=10)
    return {row["prompt"]: row["state"] for row in answer.json()["items"]} if answer.status_code == 200 else {}


def test_what_was_accepted_before_and_after_is_drawn_once(server: Server, tmp_path: Path) -> None:
    with site(
        tmp_path / "var", DATABASE_URL=server.url, READY_NEEDS_WORKER="on", LEASE_SECONDS="5", **TIMED
    ) as running:
        until(running.is_ready, seconds=60, what="the worker is ready")
        made = manage("create_api_token", "admin", data_dir=tmp_path / "var", DATABASE_URL=server.url)
        headers = {"Authorization": f"Bearer {made.stdout.split()[1]}"}

        def ask(prompt: str) -> httpx.Response:
            wish: dict[str, Any] = {"prompt": prompt, "width": 256, "height": 256, "steps": 4}
            return httpx.post(
                f"http://localhost:{running.port}/api/v1/generations", json=wish, headers=headers, timeout=10
            )

        assert [ask(f"before {number}").status_code for number in range(3)] == [201] * 3
        until(lambda: "running" in _states(running, headers).values(), what="one is being drawn")
        server.stop()
        status, body = running.get("/health/ready")
        assert (status, body["checks"]["database"] == "ok") == (503, False)
        refused = ask("meanwhile")
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["Retry-After"]
        server.start()
        until(lambda: ask("after").status_code == 201, seconds=20, what="it takes pictures again")
        expected = {"before 0", "before 1", "before 2", "after"}
        until(
            lambda: _states(running, headers) == dict.fromkeys(expected, "succeeded"),
            seconds=60,
            what="all that was accepted is drawn, and nothing else",
        )
        images = httpx.get(f"http://localhost:{running.port}/api/v1/images", headers=headers, timeout=10).json()
        assert sorted(image["prompt"] for image in images["items"]) == sorted(expected)
