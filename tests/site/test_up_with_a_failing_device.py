"""A device that fails while a real worker draws, from the error inside the forward to the picture in the end.

No device here can be made to fail, so the worker's interpreter is: Python runs the `sitecustomize.py` below before
anything of ours. It raises what torch would, in a forward, for as long as a file beside it names the error.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.site.running import Site, manage, site, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")

SITECUSTOMIZE = """
import sys
from pathlib import Path

if "worker" in sys.orig_argv:
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    ordered = Path(__file__).with_name("fail")

    def fail(module, arguments):
        if type(module).__name__ == "ZImageTransformer2DModel" and ordered.exists():
            kind = ordered.read_text()
            if kind == "memory":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            ordered.unlink()
            raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    register_module_forward_pre_hook(fail)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("device")
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    return folder


@pytest.fixture(scope="module")
def failing(earlier_run: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    needs = {"READY_NEEDS_WORKER": "on", "ZIMAGE_THREADS": "1", "ZIMAGE_DEVICE": "cpu", "PYTHONPATH": str(folder)}
    data = Path(shutil.copytree(earlier_run, tmp_path_factory.mktemp("failing") / "data"))
    with site(data, **needs) as running:
        until(running.is_ready, seconds=90, what="the worker is ready")
        yield running


@pytest.fixture(scope="module")
def call(failing: Site) -> Any:
    token = manage("create_api_token", "admin", data_dir=failing.data_dir).stdout.split()[1]

    def call(path: str, **body: Any) -> Any:
        address = f"http://localhost:{failing.port}/api/v1/{path}"
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.request("POST" if body else "GET", address, json=body or None, headers=headers)
        return answer.raise_for_status().json()

    return call


def _draw(call: Any, state: str) -> dict[str, Any]:
    """Ask for a picture and wait until it has come to `state`."""
    asked = call("generations", prompt="a red fox", width=128, height=128, steps=4)["generations"][0]["id"]
    until(lambda: call(f"generations/{asked}")["state"] == state, seconds=60, what=f"the picture {state}")
    return call(f"generations/{asked}")  # type: ignore[no-any-return]


def test_without_memory_one_picture_fails_with_advice_and_the_same_worker_draws_the_next(
    failing: Site, call: Any, folder: Path
) -> None:
    worker = failing.children()["worker"]
    (folder / "fail").write_text("memory")
    failed = _draw(call, "failed")
    assert "Try a smaller size" in failed["error"]
    (folder / "fail").unlink()
    assert _draw(call, "succeeded")["image"]
    assert failing.children()["worker"] == worker


def test_a_poisoned_device_ends_the_worker_and_the_next_one_draws_the_picture(
    failing: Site, call: Any, folder: Path
) -> None:
    worker = failing.children()["worker"]
    (folder / "fail").write_text("device")
    assert _draw(call, "succeeded")["image"]
    failing.wait_for_line(r"worker-0\| CommandError: The worker ends: The device cpu failed while drawing", seconds=1)
    failing.wait_for_line(r"stopped with exit status 1; it is started again", seconds=1)
    assert failing.children()["worker"] != worker


def test_without_memory_at_its_start_the_worker_is_started_again_until_there_is_some(
    known_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    (tmp_path / "fail").write_text("memory")
    needs = {"READY_NEEDS_WORKER": "on", "ZIMAGE_THREADS": "1", "ZIMAGE_DEVICE": "cpu", "PYTHONPATH": str(tmp_path)}
    with site(known_folder, wait=False, **needs) as running:
        running.wait_for_line("cannot start at the moment: A picture of .* does not fit into the memory", seconds=60)
        running.wait_for_line("is started again after a while", seconds=5)
        (tmp_path / "fail").unlink()
        until(running.is_ready, seconds=60, what="the worker, once there is memory")
