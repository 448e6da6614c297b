"""How long drawing takes: what a worker measures, and what every estimate of a waiting time rests on."""

from __future__ import annotations

from dataclasses import dataclass, replace

_NEW = 0.2  # weight of the latest measurement
_LAG = 0.5  # seconds by which a step may be known late


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


def shown(
    known: Speed | None, *, cost: float, megapixels: float, steps: int, step: int, seconds: float
) -> Speed | None:
    """What pictures show that are being drawn together, `step` of their `steps` done after so many seconds.

    That is what is known, as far as the clock allows it: another size may take longer for its work than those that were
    measured. Where nothing is known it is what the clock says. None before the second step of an unknown one.
    """
    if not 2 <= step < steps:
        return known
    work = cost / steps  # of one step
    slowest = seconds / step / work
    if known is None:
        return Speed(slowest)
    fastest = max(0.0, seconds - known.seconds(0.0, megapixels) - _LAG) / (step + 1) / work
    return replace(known, per_cost=min(max(known.per_cost, fastest), slowest))


def typical(speeds: list[Speed]) -> Speed | None:
    """The mean of several workers'."""
    if not speeds:
        return None
    count = len(speeds)
    return Speed(
        per_cost=sum(speed.per_cost for speed in speeds) / count,
        per_megapixel=sum(speed.per_megapixel for speed in speeds) / count,
    )
