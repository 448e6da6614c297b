"""How long drawing takes: what a worker measures, and what every estimate of a waiting time rests on."""

from __future__ import annotations

from dataclasses import dataclass

_NEW = 0.2  # weight of the latest measurement


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds that one worker takes for its steps, and around them: for reading the prompt, decoding, claiming.

    Both grow with the picture; the second does not with its steps, and makes up half the time of a small model's.
    """

    per_cost: float  # seconds a megapixel-step
    per_megapixel: float = 0.0

    def seconds(self, cost: float, megapixels: float) -> float:
        return cost * self.per_cost + megapixels * self.per_megapixel

    def smoothed(self, latest: Speed) -> Speed:
        """This with a further measurement in it."""
        return Speed(
            per_cost=(1 - _NEW) * self.per_cost + _NEW * latest.per_cost,
            per_megapixel=(1 - _NEW) * self.per_megapixel + _NEW * latest.per_megapixel,
        )


def measured(*, cost: float, megapixels: float, seconds: float, seconds_per_step: float | None, steps: int) -> Speed:
    """From pictures drawn together: their whole cost and size, and the time of it all and of one step of all of them.

    Without the time of a step, as of a picture that has only one, all of it counts as steps.
    """
    if seconds_per_step is None:
        return Speed(seconds / cost)
    stepping = min(seconds, seconds_per_step * steps)
    return Speed(stepping / cost, (seconds - stepping) / megapixels)


def typical(speeds: list[Speed]) -> Speed | None:
    """The mean of several workers'."""
    if not speeds:
        return None
    count = len(speeds)
    return Speed(
        per_cost=sum(speed.per_cost for speed in speeds) / count,
        per_megapixel=sum(speed.per_megapixel for speed in speeds) / count,
    )
