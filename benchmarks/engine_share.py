"""With enough to do, how much of the time does the engine draw, and how much slower is a whole site than a bare loop?

The bare loop calls the same pipeline in a process of its own, with the same size, steps and threads and nothing else:
no callback, no preview, no file. It runs before and after the site, because shared machines change their speed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks import ground

SIDES = (256, 384)
STEPS = 8
PICTURES = 200
BARE_PICTURES = 60


def bare_loop(folder: str, side: int) -> None:
    """Runs in a process of its own; prints pictures a second."""
    import torch

    from generation.engine.loading import Source, be_quiet, load_pipeline, place
    from generation.engine.starter import ensure_starter
    from generation.engine.types import EngineOptions

    be_quiet()
    starter = ensure_starter(Path(folder))
    options = EngineOptions(model=str(starter), starter_dir=starter, device="cpu")
    pipeline = load_pipeline(Source(str(starter), starter), options, torch.float32)
    place(pipeline, options, torch.device("cpu"))
    torch.set_num_threads(1)

    def draw(seed: int) -> None:
        pipeline(
            prompt=["violet dusk over still water"],
            height=side,
            width=side,
            num_inference_steps=STEPS,
            guidance_scale=0.0,
            generator=[torch.Generator("cpu").manual_seed(seed)],
        )

    for seed in range(5):
        draw(seed)
    began = time.perf_counter()
    for seed in range(BARE_PICTURES):
        draw(seed)
    sys.stdout.write(f"{BARE_PICTURES / (time.perf_counter() - began)}\n")


def _bare_rate(folder: Path, side: int) -> float:
    command = [sys.executable, "-m", "benchmarks.engine_share", "bare-loop", str(folder), str(side)]
    return float(subprocess.run(command, cwd=ground.ROOT, capture_output=True, text=True, check=True).stdout)


def main() -> int:
    report = ground.Report("engine_share", "The engine under a backlog")
    rows = []
    with ground.open_site_folder() as folder:
        from django.conf import settings
        from django.db import connection

        from generation.models import Generation, State
        from tests.site.running import site, until

        starter = Path(settings.STARTER_MODEL_DIR)
        before = {side: _bare_rate(starter, side) for side in SIDES}
        with site(folder, **ground.SITE) as running:
            until(running.is_ready, seconds=120, what="the worker is ready")
            from benchmarks import people

            users = [people.make(f"user-{number}") for number in range(4)]
            for side in SIDES:
                # Asked for in one go while the worker already draws: what is counted starts with the first of these.
                asked = [
                    row.pk
                    for _ in range(PICTURES // 40)
                    for user in users
                    for row in people.ask(user, 10, width=side, height=side, steps=STEPS)
                ]
                connection.close()
                mine = Generation.objects.filter(pk__in=asked)
                until(lambda mine=mine: not mine.active().exists(), seconds=600, what=f"{PICTURES} pictures")
                done = list(mine.filter(state=State.SUCCEEDED).select_related("image"))
                began = min(row.started_at for row in done if row.started_at)
                ended = max(row.finished_at for row in done if row.finished_at)
                drawing = sum(row.image.seconds or 0.0 for row in done if row.image)
                rows.append((side, len(done), (ended - began).total_seconds(), drawing))
        after = {side: _bare_rate(starter, side) for side in SIDES}
    report.say(
        f"{PICTURES} pictures queued by four people, {STEPS} steps, drawn by the one worker of `manage.py up` (starter "
        f"model, one thread; SQLite, embedded Redis, one Daphne). The bare loop draws {BARE_PICTURES} before and as "
        "many after. Wall time runs from the first claim until the last picture is stored; the engine is busy while "
        "`Engine.draw` runs, which includes storing each step and sending previews."
    )
    cells, shares = [], []
    for side, count, wall, drawing in rows:
        rate, bare = count / wall, (before[side] + after[side]) / 2
        shares.append((drawing / wall, rate / bare))
        cells.append(
            (
                f"{side}²",
                f"{rate:.2f}",
                f"{bare:.2f} ({before[side]:.2f}, {after[side]:.2f})",
                f"{100 * rate / bare:.1f}",
                f"{100 * drawing / wall:.1f}",
            )
        )
    report.say(
        ground.table(
            ("size", "images/s", "bare loop images/s (before, after)", "% of bare loop", "engine busy %"), cells
        )
    )
    report.judge(all(busy >= 0.95 for busy, _ in shares), "the engine is busy for at least 95 % of the wall time.")
    report.judge(all(share >= 0.95 for _, share in shares), "images/s end to end are at least 95 % of the bare loop's.")
    return report.end()


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare-loop"]:
        bare_loop(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main())
