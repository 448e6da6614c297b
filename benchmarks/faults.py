"""100 kills of worker, web server and Redis, at moments that a seed decides, while 1,000 pictures are drawn.

Afterwards: every accepted picture is there once, every file belongs to a row, every row has its files, and both usage
and ledger say what the rows say.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from benchmarks import ground

MODEL = "timed:2"
SIDE, STEPS = 128, 8  # 0.26 s each
PICTURES, PEOPLE, AT_ONCE = 1_000, 10, 10
KILLS = 100
SEED = 20_261_122
MOST_SECONDS = 20 * 60


def main() -> int:
    report = ground.Report("faults", "Kills while pictures are drawn")
    marks = {"ZIMAGE_BENCHMARK": "on", "ZIMAGE_MODEL": MODEL}
    began = time.monotonic()
    with ground.open_site_folder(**marks) as folder:
        from tests.site.running import site, until
        from zimageweb.loadtest.people import temporary

        with site(folder, **ground.SITE | marks) as running:
            until(running.is_ready, seconds=60, what="the worker is ready")
            with temporary(PEOPLE) as everybody:
                progress = _Progress(everybody)
                asking = [_Asking(f"http://localhost:{running.port}", person.token, progress) for person in everybody]
                killing = _Killing(running, progress)
                for thread in (*asking, killing):
                    thread.start()
                end = began + MOST_SECONDS
                while time.monotonic() < end and (progress.look() < PICTURES or killing.is_alive()):
                    time.sleep(0.2)
                for thread in (*asking, killing):
                    thread.stopped.set()
                    thread.join()
                seconds = time.monotonic() - began
                accepted = {pk for thread in asking for pk in thread.accepted}
                running.stop()  # what is being stored is stored; nothing changes any more
                checks = _check(folder, accepted, progress)
    each = float(MODEL.removeprefix("timed:")) * SIDE * SIDE / 1e6 * STEPS
    kills = ", ".join(f"{kind} {times}" for kind, times in sorted(killing.killed.items()))
    report.say(
        f"`manage.py up` with the timed engine ({SIDE}x{SIDE}, {STEPS} steps, {each:.2f} s each), SQLite and the "
        f"embedded Redis. {PEOPLE} people ask over HTTP, {AT_ONCE} pictures a request, and repeat a request that "
        f"got no answer under the same Idempotency-Key. Seed {SEED}; SIGKILL to {kills}; "
        f"{sum(thread.repeated for thread in asking)} requests had to be repeated; {seconds:.0f} s in all."
    )
    report.say(ground.table(("what", "number"), checks.items()))
    report.judge(
        killing.killed.total() == KILLS
        and checks["accepted"] == checks["rows"] == checks["succeeded"] == checks["images"] == PICTURES,
        f"{KILLS} kills, {PICTURES:,} pictures: every one succeeded, once.",
    )
    wrong = (
        "files without a row",
        "files without a row after the daily sweep",
        "rows without their files",
        "files that are not their row's picture",
    )
    report.judge(not any(checks[name] for name in wrong), "no orphan file, every row has its files.")
    books = ("people whose usage differs from their rows", "rows whose ledger does not add up")
    report.judge(not any(checks[name] for name in books), "usage and ledger equal the rows.")
    report.judge(seconds < MOST_SECONDS, "under 20 minutes.")
    return report.end()


class _Progress:
    """How many pictures have ended, for everybody to go by."""

    def __init__(self, everybody: list[Any]) -> None:
        from django.contrib.auth.models import User

        self.users = list(User.objects.filter(username__in=[person.name for person in everybody]))
        self.ended = 0

    def look(self) -> int:
        from generation.models import TERMINAL_STATES, Generation

        self.ended = Generation.objects.filter(state__in=TERMINAL_STATES).count()
        return self.ended


class _Thread(threading.Thread):
    def __init__(self, progress: _Progress) -> None:
        super().__init__(daemon=True)
        self.progress = progress
        self.stopped = threading.Event()

    def reached(self, ended: int) -> bool:
        """Wait for so many pictures; False when it is over."""
        while self.progress.ended < ended:
            if self.stopped.wait(0.05):
                return False
        return True


class _Asking(_Thread):
    """One person: asks for the next ten whenever a part of the pictures is done, and again until that is accepted."""

    def __init__(self, url: str, token: str, progress: _Progress) -> None:
        super().__init__(progress)
        self.url, self.token = url, token
        self.accepted: list[int] = []
        self.repeated = 0

    def run(self) -> None:
        requests = PICTURES // PEOPLE // AT_ONCE
        for number in range(requests):
            if not self.reached(number * PICTURES // requests * 6 // 10):
                return
            while (rows := self._ask(f"{self.name}-{number}")) is None:
                self.repeated += 1
                if self.stopped.wait(0.3):
                    return
            self.accepted += rows

    def _ask(self, key: str) -> list[int] | None:
        wish = {"prompt": "a flat picture", "width": SIDE, "height": SIDE, "steps": STEPS, "count": AT_ONCE}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        try:
            answer = httpx.post(
                f"{self.url}/api/v1/generations", json=wish, headers=headers, timeout=30, trust_env=False
            )
        except httpx.HTTPError:
            return None
        return [row["id"] for row in answer.json()["generations"]] if answer.status_code == 201 else None


class _Killing(_Thread):
    """Kills at seeded shares of the progress, a random moment after each is reached."""

    def __init__(self, running: Any, progress: _Progress) -> None:
        super().__init__(progress)
        self.running = running
        self.killed: Counter[str] = Counter()

    def run(self) -> None:
        dice = random.Random(SEED)
        for ended in sorted(dice.sample(range(3, PICTURES - 15), KILLS)):
            kind, moment = dice.choice(("worker", "web", "redis")), dice.uniform(0.0, 0.3)
            if not self.reached(ended) or self.stopped.wait(moment):
                return
            while (pid := self._find(kind)) is None:  # being started again after the last kill
                if self.stopped.wait(0.05):
                    return
            os.kill(pid, signal.SIGKILL)
            self.killed[kind] += 1

    def _find(self, kind: str) -> int | None:
        try:
            found: int | None = self.running.children().get(kind)
        except OSError:  # one of them ended while we looked
            return None
        return found


def _check(folder: Path, accepted: set[int], progress: _Progress) -> dict[str, Any]:
    """What is left, counted."""
    from django.db.models import Sum
    from PIL import Image as PillowImage

    from gallery.models import Image
    from generation import quotas
    from generation.engine.timed import _colour
    from generation.models import Generation, LedgerEntry, State

    rows = list(Generation.objects.select_related("image"))
    done = [row for row in rows if row.state == State.SUCCEEDED and row.image_id]
    lacking = wrong = 0
    for row in done:
        assert row.image is not None
        files = [Path(stored.path) for stored in row.image.stored_files]
        lacking += not all(path.is_file() for path in files)
        with PillowImage.open(files[0]) as picture:
            wrong += (picture.size, picture.getpixel((0, 0))) != ((SIDE, SIDE), _colour(row.seed))
    orphans = _orphans(folder)
    for path in orphans:
        os.utime(path, (time.time() - 7_200,) * 2)  # the sweep leaves alone what was just written
    swept = ground.manage("cleanup_images")
    usage = {user.pk: quotas.usage(user).day.used for user in progress.users}
    booked = dict(LedgerEntry.objects.order_by().values_list("generation").annotate(Sum("pictures")))
    return {
        "accepted": len(accepted),
        "rows": len(rows),
        "succeeded": len({row.image_id for row in done}),
        "other states": dict(Counter(row.failure or row.state for row in rows if row.state != State.SUCCEEDED))
        or "none",
        "images": Image.objects.count(),
        "drawn again after a kill (attempts above one)": sum(row.attempt > 1 for row in rows),
        "files without a row": len(orphans),
        "files without a row after the daily sweep": len(_orphans(folder)) + (swept.returncode != 0),
        "rows without their files": lacking,
        "files that are not their row's picture": wrong,
        "people whose usage differs from their rows": sum(
            used != sum(row.user_id == pk and row.charged for row in rows) for pk, used in usage.items()
        ),
        "rows whose ledger does not add up": sum(booked.get(row.pk) != int(row.charged) for row in rows),
    }


def _orphans(folder: Path) -> list[Path]:
    from gallery.models import Image

    named = {Path(stored.path) for image in Image.objects.all() for stored in image.stored_files}
    return [path for path in (folder / "media" / "images").rglob("*") if path.is_file() and path.resolve() not in named]


if __name__ == "__main__":
    sys.exit(main())
