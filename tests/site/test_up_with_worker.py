"""`manage.py up` with a real worker that draws with the starter model."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.site.running import Site, catches, is_alive, manage, site, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")


@pytest.fixture(scope="module")
def drawing(earlier_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose worker has loaded its model."""
    needs = {"READY_NEEDS_WORKER": "on", "ZIMAGE_THREADS": "1", "ZIMAGE_DEVICE": "cpu", "ZIMAGE_MAX_BATCH": "1"}
    folder = Path(shutil.copytree(earlier_run, tmp_path_factory.mktemp("drawing") / "data"))
    with site(folder, **needs) as running:
        until(running.is_ready, seconds=90, what="the worker is ready")
        yield running


@pytest.fixture(scope="module")
def token(drawing: Site) -> str:
    return manage("create_api_token", "admin", data_dir=drawing.data_dir).stdout.split()[1]


def _call(running: Site, token: str, path: str, **body: Any) -> Any:
    answer = httpx.request(
        "POST" if body else "GET",
        f"http://localhost:{running.port}/api/v1/{path}",
        json=body or None,
        headers={"Authorization": f"Bearer {token}"},
    )
    return answer.raise_for_status().json()


def test_a_killed_worker_is_started_again_and_its_picture_is_drawn(drawing: Site, token: str) -> None:
    asked = _call(drawing, token, "generations", prompt="a red fox", width=384, height=384, steps=9, count=3)
    ids = [row["id"] for row in asked["generations"]]

    def states() -> list[str]:
        return [_call(drawing, token, f"generations/{pk}")["state"] for pk in ids]

    until(lambda: "running" in states(), what="one is being drawn")
    killed = drawing.children()["worker"]
    os.kill(killed, signal.SIGKILL)
    drawing.wait_for_line("was ended by SIGKILL; it is started again", seconds=1)
    until(
        lambda: "running" not in states(),
        seconds=1,
        what="the picture is back in the queue, long before its lease ends",
    )
    until(lambda: drawing.children().get("worker", killed) != killed, seconds=2)
    until(lambda: set(states()) == {"succeeded"}, seconds=60)


def test_no_worker_outlives_a_killed_supervisor(drawing: Site) -> None:
    until(drawing.is_ready, seconds=60, what="the worker is ready again")
    children = drawing.children()
    assert {"redis", "web", "worker"} <= set(children)  # and the daily sweep, if it happens to run
    drawing.process.kill()
    drawing.process.wait()
    until(lambda: not any(map(is_alive, children.values())), seconds=15, what="all children are gone")


def test_a_second_stop_does_not_wait_for_the_worker(known_folder: Path) -> None:
    with site(known_folder, ZIMAGE_THREADS="1") as running:
        worker = until(lambda: running.children().get("worker"))
        # One that does not listen yet would be ended by the first signal, even while it hangs.
        until(lambda: catches(worker, signal.SIGTERM), what="the worker listens for signals")
        os.kill(worker, signal.SIGSTOP)  # it hangs
        running.process.send_signal(signal.SIGINT)
        until(lambda: "web" not in running.children())
        assert is_alive(worker)
        assert running.stop(signal.SIGINT) == 0
        assert not is_alive(worker)


def test_a_worker_with_a_wrong_configuration_is_not_started_again(known_folder: Path) -> None:
    with site(known_folder, ZIMAGE_MODEL=str(known_folder / "no-model")) as running:
        running.wait_for_line(r"worker-0\| CommandError: The worker cannot start: .*no-model")
        running.wait_for_line("is not started again; all else runs.")
        assert running.is_ready()
        assert "worker" not in running.children()
        listed = running.get("/health/workers")[1]
        assert (listed["ready"], [worker["state"] for worker in listed["workers"]]) == (0, ["broken"])
