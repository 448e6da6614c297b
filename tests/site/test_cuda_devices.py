"""How many CUDA devices there are, as a real program of that name lists them; and which worker gets which."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from zimageweb import cuda_devices
from zimageweb.supervisor import Supervisor

FOUR = "".join(f"GPU {place}: NVIDIA A10G (UUID: GPU-{place}5d5ba0d6-33b2-4ce4)\n" for place in range(4))
DIVIDED = """GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aaaa1111-33b2)
  MIG 3g.40gb     Device  0: (UUID: MIG-c0ffee11-1111)
  MIG 3g.40gb     Device  1: (UUID: MIG-c0ffee22-2222)
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """A machine with four devices and a torch for them: what stands in for both comes first on the paths."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    settings.ZIMAGE_DEVICE = "auto"
    lists(tmp_path, FOUR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    torch = tmp_path / "torch"
    torch.mkdir()
    (torch / "__init__.py").write_text("raise AssertionError('nobody imports torch here')")
    (torch / "version.py").write_text("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    return tmp_path


def lists(folder: Path, text: str, *, status: int = 0) -> None:
    """Have the driver's program in `folder` print that."""
    (folder / "listing").write_text(text)
    program = folder / "nvidia-smi"
    program.write_text(f'#!/bin/sh\n[ "$1" = -L ] && cat "{folder}/listing"\nexit {status}\n')
    program.chmod(0o755)


def places(*, workers: int | None) -> list[str | None]:
    said: list[str] = []
    return [
        child.environment.get("ZIMAGE_DEVICE") for child in Supervisor(said.append, workers=workers)._make_workers()
    ]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("visible", "number"),
    [
        (None, 4),
        ("0,2", 2),
        ("3", 1),
        ("", 0),
        ("-1", 0),
        ("0,7,1", 1),
        ("0,0", 1),
        ("1, GPU-25d5", 2),
        ("GPU-9", 0),
        ("none", 0),
    ],
)
def test_what_is_visible_is_counted(monkeypatch: pytest.MonkeyPatch, visible: str | None, number: int) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert cuda_devices.count() == number


@pytest.mark.parametrize("visible", [None, "0", "MIG-c0ffee22-2222", "MIG-c0ffee11-1111,MIG-c0ffee22-2222"])
def test_of_a_divided_device_one_process_sees_one_part(
    machine: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None
) -> None:
    lists(machine, DIVIDED)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert cuda_devices.count() == 1


def test_without_a_driver_that_answers_there_are_none(machine: Path) -> None:
    lists(machine, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", status=9)
    assert cuda_devices.count() == 0
    (machine / "nvidia-smi").unlink()
    assert cuda_devices.count() == 0


def test_a_torch_without_cuda_is_told_of(machine: Path) -> None:
    (machine / "torch" / "version.py").write_text("cuda: Optional[str] = None\nhip: Optional[str] = None\n")
    said: list[str] = []
    assert cuda_devices.count(said.append) == 0
    assert "built without CUDA" in said[0]


@pytest.mark.usefixtures("machine")
def test_auto_is_one_worker_on_each_device() -> None:
    assert places(workers=None) == ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]


@pytest.mark.usefixtures("machine")
def test_several_workers_take_turns_and_one_chooses_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    assert places(workers=3) == ["cuda:0", "cuda:1", "cuda:0"]
    assert places(workers=1) == [None]


@pytest.mark.usefixtures("machine")
def test_a_device_that_was_named_is_everybodys(settings: Settings) -> None:
    settings.ZIMAGE_DEVICE = "cuda:2"
    assert places(workers=2) == [None, None]
    assert places(workers=None) == [None]


def test_without_a_device_auto_is_one_worker(machine: Path) -> None:
    (machine / "nvidia-smi").unlink()
    assert places(workers=None) == [None]
    assert places(workers=2) == [None, None]
