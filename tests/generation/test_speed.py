"""What a worker learns of its own speed from the pictures that it draws."""

from __future__ import annotations

import pytest

from generation.speed import Speed, measured, typical


def test_steps_and_what_is_beside_them_are_told_apart() -> None:
    speed = measured(cost=4.0, megapixels=0.5, seconds=10.0, seconds_per_step=1.0, steps=8)
    assert speed == Speed(per_cost=2.0, per_megapixel=4.0)
    assert speed.seconds(4.0, 0.5) == 10.0
    assert speed.seconds(8.0, 0.5) == 18.0, "twice the steps are decoded once"


def test_a_single_step_is_all_there_is() -> None:
    speed = measured(cost=2.0, megapixels=2.0, seconds=3.0, seconds_per_step=None, steps=1)
    assert speed == Speed(1.5)


def test_steps_never_take_longer_than_the_whole() -> None:
    speed = measured(cost=1.0, megapixels=1.0, seconds=2.0, seconds_per_step=1.1, steps=2)
    assert speed == Speed(2.0, 0.0)


def test_one_slow_picture_moves_it_by_a_fifth() -> None:
    assert Speed(1.0, 1.0).smoothed(Speed(2.0, 6.0)) == Speed(pytest.approx(1.2), pytest.approx(2.0))


def test_of_several_workers_the_mean_is_typical() -> None:
    assert typical([Speed(1.0, 2.0), Speed(3.0, 4.0)]) == Speed(2.0, 3.0)
    assert typical([]) is None
