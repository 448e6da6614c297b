"""How fast does the engine draw, and how much of what the device can do is that?

With torch for CUDA and a GPU it draws with the real architecture at full size and random weights, else on the CPU with
the starter model.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import ground
from benchmarks.engine_runs import STEPS, VARIANTS, Run
from zimageweb.loadtest import svg

PICTURES = 60  # of the studio
_STARTER = ground.ROOT / "starter_model" / "weights"
_COLOURS = ("#0f766e", "#7c3aed", "#c2410c", "#1d4ed8", "#a16207")
_TOP, _BOTTOM = 70, 330


def main() -> int:
    report = ground.Report("engine", "The engine's speed")
    with ground.open_site_folder():
        runs = [run for variant in VARIANTS for run in _measure(variant, _STARTER, report)]
        share = _other_share()
    report.say(_explanation(runs[0]))
    report.say(_table(runs))
    if report.keep:
        ground.RESULTS.mkdir(exist_ok=True)
        (ground.RESULTS / "engine.svg").write_text(_plot(runs), encoding="utf-8")
        report.say("![Seconds for a picture](engine.svg)")
    report.say(
        f"{PICTURES} pictures of 256 x 256 by one studio of the starter model on the CPU, from the claim of the first "
        f"until the last is stored: {100 * share:.1f} % of the time is not the engine's."
    )
    report.judge(share <= 0.05, "at most 5 % of the time under a backlog is not the engine's.")
    _judge(runs, report)
    return report.end()


def _judge(runs: Sequence[Run], report: ground.Report) -> None:
    """Every way has drawn; and on CUDA, where the full-size model is measured, it is as fast as an H100 can be."""
    missing = [variant for variant in VARIANTS if variant not in {run.variant for run in runs}]
    report.judge(not missing, f"{', '.join(VARIANTS)} draw on this machine.")
    if not runs[0].device.startswith("cuda"):
        return
    large = min((run.seconds for run in runs if run.side == 1024 and run.batch == 1), default=math.inf)
    report.judge(large <= 1.0, f"1024 x 1024 in at most 1.0 s on an H100 ({large:.2f} s).")
    small = min((run.seconds for run in runs if run.side == 512 and run.batch <= 4), default=math.inf)
    report.judge(1 / small >= 4, f"at least 4 pictures of 512 x 512 a second on an H100 ({1 / small:.1f}).")


def _measure(variant: str, starter: Path, report: ground.Report) -> list[Run]:
    """In a process of its own; nothing where it does not work, and then the reason is said."""
    command = [sys.executable, "-m", "benchmarks.engine_runs", variant, str(starter)]
    done = subprocess.run(command, cwd=ground.ROOT, capture_output=True, text=True, timeout=1_800, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no word"])[-1]
        report.say(f"{variant}: does not work here ({reason[:200]}).")
    return [Run(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


def _other_share() -> float:
    """Of the wall time of a studio with enough to do, what is not spent in `Engine.draw`."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from benchmarks import people
    from gallery.models import Image
    from generation.engine.engine import load
    from generation.jobs import Studio
    from generation.worker import engine_options

    with ground.redis():
        engine = load(engine_options())
        user = people.make("somebody")
        people.ask(user, 4)
        warm = Studio(engine=engine, worker="warm")
        while warm.draw_next_batch():
            pass
        warm.close()
        Image.objects.all().delete()
        for _ in range(PICTURES // 10):
            people.ask(user, 10)
        studio = Studio(engine=engine, worker="w")
        began = time.perf_counter()
        while studio.draw_next_batch():
            pass
        studio.close()
        wall = time.perf_counter() - began
        busy = [seconds or 0.0 for seconds in Image.objects.values_list("seconds", flat=True)]
    assert len(busy) == PICTURES
    return 1 - sum(busy) / wall


def _explanation(first: Run) -> str:
    return (
        f"{STEPS} steps on {first.device}, known prompts, median of some runs after one. The peak, {_giga(first.peak)} "
        "GFLOP/s, is that of square matrix products in the same number format and threads. FLOP are counted by torch "
        "in the eager run (a picture's matrix products, convolutions and attention). Memory: on a GPU the most that "
        "was allocated while drawing; on a CPU the most that the process ever had, so it only rises with the size."
    )


def _table(runs: Sequence[Run]) -> str:
    flop = {run.side: run.flop for run in runs if run.flop}
    return ground.table(
        ("run", "size", "batch", "s/picture", "GFLOP/picture", "GFLOP/s", "% of peak", "memory, MiB"),
        [
            (
                run.variant,
                f"{run.side}²",
                run.batch,
                f"{run.seconds:.3f}",
                _giga(flop[run.side]),
                _giga(flop[run.side] / run.seconds),
                f"{100 * flop[run.side] / run.seconds / run.peak:.0f}",
                round(run.memory / 2**20),
            )
            for run in runs
        ],
    )


def _giga(value: float) -> str:
    return f"{value / 1e9:.3g}" if value < 1e11 else f"{value / 1e9:,.0f}"


def _plot(runs: Sequence[Run]) -> str:
    """Seconds for a picture over its size, a curve for each way and batch."""
    sides = sorted({run.side for run in runs})
    places = dict(zip(sides, svg.places(len(sides)), strict=True))
    most = svg.round_up(max(run.seconds for run in runs))
    parts = [svg.text(svg.LEFT, 28, f"Z-Image's pipeline on {runs[0].device}, {STEPS} steps", size=15, anchor="start")]
    parts += svg.scale(_TOP, _BOTTOM, most, "seconds for a picture")
    ways = dict.fromkeys((run.variant, run.batch) for run in runs)
    for number, ((variant, batch), colour) in enumerate(zip(ways, _COLOURS, strict=False)):
        chosen = [run for run in runs if (run.variant, run.batch) == (variant, batch)]
        heights = [(places[run.side], _BOTTOM - (_BOTTOM - _TOP) * run.seconds / most) for run in chosen]
        parts += svg.curve(heights, colour)
        name = variant if batch == 1 else f"{variant}, {batch} at once"
        parts.append(svg.text(svg.LEFT + 10 + 118 * number, 50, f"● {name}", colour=colour, anchor="start"))
    parts += [svg.text(place, _BOTTOM + 18, f"{side} x {side}") for side, place in places.items()]
    return svg.document(parts, _BOTTOM + 40)


if __name__ == "__main__":
    sys.exit(main())
