"""How long the figures of the admin's first page take on a site with 100,000 pictures, all of them of one month."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import Any

from benchmarks import ground

PICTURES = 100_000
WAITING = 2_000
PEOPLE = 50
ROUNDS = 7
LIMIT = 0.3  # seconds for all the figures: nobody waits for a page that needs no more
_PROMPT = "a quiet landscape at dusk, low sun over still water, mist between the hills and the shore"


def main() -> int:
    report = ground.Report("dashboard", "The figures of the admin's first page")
    with ground.open_site_folder():
        from django.core.management import call_command
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        call_command("migrate", verbosity=0)
        _fill()
        from generation.figures import figures

        def look(**parts: bool) -> float:
            began = time.perf_counter()
            figures(**{"generations": False, "images": False, "workers": False} | parts)
            return time.perf_counter() - began

        parts = {
            "pictures, line, waits": {"generations": True},
            "storage": {"images": True},
            "workers": {"workers": True},
            "all": {"generations": True, "images": True, "workers": True},
        }
        look(**parts["all"])
        times = {name: ground.median([look(**part) for _ in range(ROUNDS)]) for name, part in parts.items()}
        with CaptureQueriesContext(connection) as asked:
            look(**parts["all"])
        report.say(
            f"SQLite, without the debugger's log; {PICTURES:,} pictures finished in the last 30 days, {WAITING:,} in "
            f"line, {PEOPLE} people. Median of {ROUNDS}; {len(asked)} queries in all."
        )
        rows = [(name, f"{1000 * seconds:.1f}") for name, seconds in times.items()]
        report.say(ground.table(("figures", "ms"), rows))
        report.judge(times["all"] <= LIMIT, f"all the figures take {LIMIT:g} s at most.")
    return report.end()


def _fill() -> None:
    """Rows as the site writes them, without files: the figures open none."""
    from django.utils import timezone

    from benchmarks import people
    from gallery.models import Image
    from generation.models import Batch, Generation, State

    now = timezone.now()
    owners = [people.make(f"person{number}") for number in range(PEOPLE)]
    batches = Batch.objects.bulk_create(Batch(user=owner) for owner in owners)
    common: dict[str, Any] = {"prompt": _PROMPT, "width": 1024, "height": 1024, "steps": 8, "seed": 1}
    queue = common | {"cost": 8.4, "start_tag": 1, "finish_tag": 2}
    record = {"model": "Z-Image-Turbo", "parts": ["x" * 64] * 10}
    images, rows = [], []
    for number in range(PICTURES):
        owner, batch = owners[number % PEOPLE], batches[number % PEOPLE]
        ended = now - dt.timedelta(days=30) * number / PICTURES
        times = {"created_at": ended - dt.timedelta(seconds=9), "started_at": ended - dt.timedelta(seconds=3)}
        state = {"state": State.SUCCEEDED, "worker": "w"}
        rows.append(Generation(user=owner, batch=batch, finished_at=ended, **queue, **times, **state))
        images.append(Image(owner=owner, created_at=ended, bytes=1_500_000 + number, record=record, **common))
    rows += [Generation(user=owners[n % PEOPLE], batch=batches[n % PEOPLE], **queue) for n in range(WAITING)]
    Generation.objects.bulk_create(rows, batch_size=2_000)
    Image.objects.bulk_create(images, batch_size=2_000)


if __name__ == "__main__":
    sys.exit(main())
