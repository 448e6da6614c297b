"""How many pictures go into one forward: as many as pay, fewer once memory has run out, as many as fit by measure."""

from __future__ import annotations

import pytest
import torch

from generation.engine import devices
from generation.engine.admission import Admission

CPU, PIXELS = torch.device("cpu"), 1000


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(clock: Clock) -> Admission:
    return Admission(8, CPU, clock)


def test_until_memory_runs_out_as_many_as_pay(admission: Admission) -> None:
    assert admission.pictures(PIXELS) == admission.pictures(10**9) == 8
    assert admission.fits(10**9)


def test_after_that_half_as_many_pixels_together_for_ten_minutes(admission: Admission, clock: Clock) -> None:
    admission.ran_out(PIXELS, 8)
    assert (admission.pictures(PIXELS), admission.pictures(PIXELS // 2), admission.pictures(10**9)) == (4, 8, 1)
    admission.ran_out(PIXELS, 3)
    assert admission.pictures(PIXELS) == 2
    admission.ran_out(PIXELS, 2)
    assert admission.pictures(PIXELS) == 1
    assert admission.fits(10**9), "one alone has not been tried"
    clock.now = 601
    assert admission.pictures(PIXELS) == 8


def test_one_that_did_not_fit_alone_is_not_tried_whole_for_ten_minutes(admission: Admission, clock: Clock) -> None:
    admission.ran_out(PIXELS, 1)
    assert (admission.fits(PIXELS - 1), admission.fits(PIXELS), admission.fits(2 * PIXELS)) == (True, False, False)
    assert admission.pictures(PIXELS) == 8, "of a batch nothing is known"
    clock.now = 601
    assert admission.fits(2 * PIXELS)


def test_what_a_forward_took_says_how_many_fit(admission: Admission, monkeypatch: pytest.MonkeyPatch) -> None:
    """No device here counts its peak, so the counters are set: 100 bytes a pixel, measured with two pictures."""
    held, free = 5_000, 450_000
    monkeypatch.setattr(devices, "begin_peak", lambda _device: held)
    monkeypatch.setattr(devices, "room", lambda _device: free)
    monkeypatch.setattr(devices, "peak", lambda _device: held + 2 * PIXELS * 100)
    with admission.measured(PIXELS, 2):
        pass
    assert (admission.pictures(PIXELS), admission.pictures(10 * PIXELS)) == (4, 1)
    free = 100 * PIXELS
    assert admission.pictures(PIXELS) == 1, "however little is free"
    free = 10**9
    monkeypatch.setattr(devices, "peak", lambda _device: held + 10**7)
    with admission.measured(PIXELS // 100, 1):
        pass
    assert admission.pictures(PIXELS) == 8, "a small one is mostly overhead and teaches nothing"


def test_on_a_cpu_nothing_counts_the_peak(admission: Admission) -> None:
    with admission.measured(PIXELS, 2):
        pass
    assert admission.pictures(PIXELS) == 8
