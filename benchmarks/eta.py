"""How true is "finishes in"? A mixed load of 200 pictures, all that people were told against what happened."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter, defaultdict
from itertools import chain, pairwise

from benchmarks import ground

SIZES = ((256, 256), (256, 384), (384, 256), (320, 320), (384, 384))
STEPS = (4, 8, 8, 12)
PICTURES, PEOPLE = 200, 8
SEED = 20_261_122


def main() -> int:
    report = ground.Report("eta", "How true the estimates are")
    with ground.open_site_folder() as folder:
        from django.db import connection

        from generation import places
        from generation.models import Generation, Worker
        from generation.promises import Promise, Promises
        from tests.site.running import site, until

        with site(folder, **ground.SITE) as running:
            until(running.is_ready, seconds=120, what="the worker is ready")
            from benchmarks import people

            users = [people.make(f"user-{number}") for number in range(PEOPLE)]
            people.ask(users[0], 3)  # nobody can estimate before the first picture was measured
            until(lambda: Worker.objects.filter(seconds_per_cost__gt=0).exists(), what="the worker was measured")
            until(lambda: not Generation.objects.active().exists(), what="the first pictures")
            connection.close()

            seen: dict[int, list[tuple[float, Promise]]] = defaultdict(list)  # when, and what was said
            promises = Promises()
            asked: list[int] = []
            over = threading.Event()

            def ask() -> None:
                """Requests of 1 to 8 pictures at irregular moments: later ones of others push in, as fairness wants."""
                dice = random.Random(SEED)
                while len(asked) < PICTURES:
                    width, height = dice.choice(SIZES)
                    count = min(dice.randint(1, 8), PICTURES - len(asked))
                    rows = people.ask(dice.choice(users), count, width=width, height=height, steps=dice.choice(STEPS))
                    asked.extend(row.pk for row in rows)
                    time.sleep(dice.uniform(0.0, 1.5))
                over.set()
                connection.close()

            asking = threading.Thread(target=ask)
            asking.start()
            while not over.is_set() or Generation.objects.active().exists():
                now = time.time()
                line = places.read_line()
                theirs = chain.from_iterable(line.of({user.pk for user in users}).values())
                for pk, promise in promises.renew(line, theirs, now).items():
                    seen[pk].append((now, promise))
                time.sleep(1.0)  # as often as pages are told
            asking.join()
            ended = {
                row.pk: row.finished_at.timestamp()
                for row in Generation.objects.filter(pk__in=asked)
                if row.finished_at
            }
            connection.close()
    first, every, typical = [], [], []
    worse: Counter[str] = Counter()
    for pk, said in seen.items():
        if pk not in ended:
            continue
        errors = [
            abs(promise.ends_at - ended[pk]) / (ended[pk] - moment)
            for moment, promise in said
            if promise.ends_at is not None and ended[pk] - moment > 0.5
        ]
        first += errors[:1]
        every += errors
        typical += [ground.median(errors)] if errors else []
        for (_, before), (_, after) in pairwise(said):
            if before.ends_at and after.ends_at and after.ends_at > before.ends_at:
                worse[after.delay or "no reason"] += 1
    sizes = ", ".join(f"{width}x{height}" for width, height in SIZES)
    report.say(
        f"{PICTURES} pictures of {PEOPLE} people, sizes {sizes}, {min(STEPS)} to {max(STEPS)} steps, asked for at "
        f"irregular moments (seed {SEED}); one worker with the starter model. Each second everybody is told as pages "
        "are. The error is |said − true| / true of the time left, where that is more than half a "
        "second."
    )
    report.say(
        ground.table(
            ("estimates", "number", "median error %", "p95 %"),
            [
                (name, len(errors), f"{100 * ground.median(errors):.1f}", f"{100 * ground.p95(errors):.1f}")
                for name, errors in (
                    ("all", every),
                    ("the median one of each picture", typical),
                    ("the first that was said of each picture", first),
                )
            ],
        )
    )
    reasons = ", ".join(f"{reason} {times}" for reason, times in sorted(worse.items())) or "never"
    report.say(f"Told a later end than before, by the reason that was said with it: {reasons}.")
    report.judge(not worse["no reason"], "no end moves away without a reason.")
    report.judge(
        len(ended) == PICTURES and max(map(ground.median, (every, typical))) < 0.25,
        "the median error of “finishes in” is under 25 %.",
    )
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
