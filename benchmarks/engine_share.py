"""With enough to do, how much of the time does the engine draw, and how much slower is a whole site than a bare loop?

The bare loop calls the same pipeline in a process of its own, with the same size, steps and threads and nothing else:
no callback, no preview, no file. Site and loop take turns, because shared machines change their speed by the minute;
each round of the site is compared with the loop right before and right after it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

from benchmarks import ground

SIDES = (256, 384)
STEPS = 8
ROUNDS = 7
PICTURES = 40  # of the site and of the loop in each round
_numbers = count(0, PICTURES)


def prompt(number: int) -> str:
    """Each picture has its own: the site encodes a prompt that it has met once."""
    return f"violet dusk over still water, number {number}"


def bare_loop(folder: str) -> None:
    """Runs in a process of its own: for each side it reads, draws `PICTURES` and prints pictures a second."""
    import time

    import torch
    from diffusers import ZImagePipeline

    torch.set_num_threads(1)
    pipeline = ZImagePipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    for line in sys.stdin:
        side = int(line)
        began = time.perf_counter()
        for seed in range(PICTURES):
            pipeline(
                prompt=[prompt(seed)],
                height=side,
                width=side,
                num_inference_steps=STEPS,
                guidance_scale=0.0,
                generator=[torch.Generator("cpu").manual_seed(seed)],
            )
        sys.stdout.write(f"{PICTURES / (time.perf_counter() - began)}\n")
        sys.stdout.flush()


class _BareLoop:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def rate(self, side: int) -> float:
        """Pictures a second, measured now."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{side}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextmanager
def _open_bare_loop(folder: Path) -> Iterator[_BareLoop]:
    command = [sys.executable, "-m", "benchmarks.engine_share", "bare-loop", str(folder)]
    with subprocess.Popen(
        command, cwd=ground.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _BareLoop(process)
        finally:
            process.kill()


@dataclass(frozen=True)
class _Round:
    """One turn of the site between two of the loop."""

    bare: float  # pictures a second
    site: float
    busy: float  # share of the wall time in `Engine.draw`

    @property
    def share(self) -> float:
        return self.site / self.bare


def main() -> int:
    report = ground.Report("engine_share", "The engine under a backlog")
    with ground.open_site_folder() as folder:
        from django.conf import settings

        from tests.site.running import site, until

        with site(folder, **ground.SITE) as running:
            until(running.is_ready, seconds=120, what="the worker is ready")
            from benchmarks import people

            users = [people.make(f"user-{number}") for number in range(4)]
            with _open_bare_loop(Path(settings.STARTER_MODEL_DIR)) as loop:
                found = {side: _take_turns(side, loop, users) for side in SIDES}
    report.say(
        f"{PICTURES} pictures queued by four people, {STEPS} steps, drawn by the one worker of `manage.py up` (starter "
        f"model, one thread; SQLite, embedded Redis, one Daphne), in turn with a bare loop over as many, {ROUNDS} "
        "times. A round's wall time runs from its first claim until its last picture is stored; the engine is busy "
        "while `Engine.draw` runs, which includes storing each step and sending previews."
    )
    report.say(
        ground.table(
            ("size", "images/s", "bare loop images/s", "% of bare loop: median (least, most)", "engine busy %: median"),
            [
                (
                    f"{side}²",
                    f"{ground.median([turn.site for turn in rounds]):.2f}",
                    f"{ground.median([turn.bare for turn in rounds]):.2f}",
                    f"{100 * ground.median([turn.share for turn in rounds]):.1f} "
                    f"({100 * min(turn.share for turn in rounds):.1f}, {100 * max(turn.share for turn in rounds):.1f})",
                    f"{100 * ground.median([turn.busy for turn in rounds]):.1f}",
                )
                for side, rounds in found.items()
            ],
        )
    )
    busy = [ground.median([turn.busy for turn in rounds]) for rounds in found.values()]
    shares = [ground.median([turn.share for turn in rounds]) for rounds in found.values()]
    report.judge(min(busy) >= 0.95, "the engine is busy for at least 95 % of the wall time.")
    report.judge(min(shares) >= 0.95, "images/s end to end are at least 95 % of the bare loop's.")
    return report.end()


def _take_turns(side: int, loop: _BareLoop, users: list[object]) -> list[_Round]:
    loop.rate(side)  # the first pictures of a size are slower
    _draw_by_site(side, users)
    rates, turns = [loop.rate(side)], []
    for _ in range(ROUNDS):
        turns.append(_draw_by_site(side, users))
        rates.append(loop.rate(side))
    return [
        _Round((before + after) / 2, rate, busy)
        for (before, after), (rate, busy) in zip(pairwise(rates), turns, strict=True)
    ]


def _draw_by_site(side: int, users: list[object]) -> tuple[float, float]:
    """Pictures a second end to end, and the share of the time in which the engine was busy."""
    from django.db import connection

    from benchmarks import people
    from generation.models import Generation, State
    from tests.site.running import until

    asked = [
        people.ask(user, prompt=prompt(number), width=side, height=side, steps=STEPS)[0].pk  # type: ignore[arg-type]
        for number, user in enumerate(users * (PICTURES // len(users)), next(_numbers))
    ]
    connection.close()
    mine = Generation.objects.filter(pk__in=asked)
    until(lambda: not mine.active().exists(), seconds=300, what=f"{PICTURES} pictures")
    done = list(mine.filter(state=State.SUCCEEDED).select_related("image"))
    assert len(done) == PICTURES
    began = min(row.started_at for row in done if row.started_at)
    ended = max(row.finished_at for row in done if row.finished_at)
    wall = (ended - began).total_seconds()
    return PICTURES / wall, sum(row.image.seconds or 0.0 for row in done if row.image) / wall


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare-loop"]:
        bare_loop(sys.argv[2])
    else:
        sys.exit(main())
