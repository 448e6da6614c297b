"""Is the queue fair, and how long do asking and claiming take when it is long? On SQLite and on PostgreSQL.

And on a running site: how long after a step was stored does the page hear of it?
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from typing import Any

from benchmarks import ground

ROWS = 10_000
PEOPLE = 50
SAMPLES = 200
CANCELS = 100
LISTENERS = 30
STEPS = 8
MODEL = "timed:2.5"  # 0.16 s a step at 256x256: as long as steps have to be for each to be told


def measure() -> dict[str, Any]:
    """The figures of one database, that of the environment; runs in a process of its own."""
    found: dict[str, Any] = {}
    with ground.open_site_folder(), ground.redis():
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from benchmarks import people
        from generation.models import Generation

        found["flood"] = _flood(people)
        Generation.objects.all().delete()
        found["weights"] = _weights(people)
        Generation.objects.all().delete()
        found |= _pace(people)
    return found


def _flood(people: Any) -> bool:
    """1,000 by A; one of them is being drawn when B asks for one. Whose is drawn next?"""
    from generation import services

    a, b = people.make("flood-a"), people.make("flood-b")
    for _ in range(100):
        people.ask(a, 10)
    services.start(worker="w", most=1)
    (his,) = people.ask(b)
    (following,) = services.start(worker="w", most=1)
    return bool(following.pk == his.pk)


def _weights(people: Any) -> float:
    """Megapixel-steps of a person with weight 2 over those of one with weight 1, in the first 300 pictures drawn."""
    from generation import services

    two, one = people.make("weight-2", weight=2.0), people.make("weight-1")
    for number in range(30):
        for user in (two, one):
            people.ask(user, 10, width=(256, 384, 512)[number % 3], steps=(8, 4)[number % 2])
    drawn = {two.pk: 0.0, one.pk: 0.0}
    for _ in range(300):
        for row in services.start(worker="w", most=1):
            drawn[row.user_id] += row.cost
    return drawn[two.pk] / drawn[one.pk]


def _pace(people: Any) -> dict[str, float]:
    """Milliseconds of submitting one picture and of claiming one, p95, with `ROWS` rows waiting."""
    from django.utils import timezone

    from generation import places, services
    from generation.models import Generation, QueueShare, State, Worker

    Worker.objects.create(name="w", state=Worker.State.DRAWING, seconds_per_cost=0.1)
    users = [people.make(f"person-{number}") for number in range(PEOPLE)]
    for user in users:
        (first,) = people.ask(user)
        rows = [_copy(first, number) for number in range(1, ROWS // PEOPLE)]
        Generation.objects.bulk_create(rows)
        QueueShare.objects.filter(user=user).update(finish_tag=rows[-1].finish_tag)
    submits, claims, lines = [], [], []
    for number in range(SAMPLES):
        began = time.perf_counter()
        people.ask(users[number % PEOPLE])
        submits.append(time.perf_counter() - began)
        began = time.perf_counter()
        services.start(worker="w", most=1)
        claims.append(time.perf_counter() - began)
        began = time.perf_counter()
        places.read_line()
        lines.append(time.perf_counter() - began)
        # Drawn at once: one worker has never more than a batch in hand.
        over = {"state": State.SUCCEEDED, "finished_at": timezone.now(), "lease_expires_at": None}
        Generation.objects.running().update(**over)
    cancels = []
    for row in Generation.objects.queued().filter(user=users[0]).order_by("start_tag")[:CANCELS]:
        began = time.perf_counter()
        services.cancel(generation=row)  # everything else of this person moves up each time
        cancels.append(time.perf_counter() - began)
    return {
        "cancel": 1_000 * ground.p95(cancels),
        "cancel median": 1_000 * ground.median(cancels),
        "submit": 1_000 * ground.p95(submits),
        "submit median": 1_000 * ground.median(submits),
        "claim": 1_000 * ground.p95(claims),
        "claim median": 1_000 * ground.median(claims),
        "line": 1_000 * ground.p95(lines),
    }


def _copy(row: Any, number: int) -> Any:
    fields = {field.attname: getattr(row, field.attname) for field in row._meta.fields if field.attname != "id"}
    later = number * (row.finish_tag - row.start_tag)
    tags = {"start_tag": row.start_tag + later, "finish_tag": row.finish_tag + later}
    return type(row)(**fields | tags | {"seq": row.seq + number})


def live() -> tuple[list[float], int]:
    """Milliseconds from a step stored by the engine until a page hears of it; and how many steps were missed.

    `seq` is the time at which the worker was about to store the step, in microseconds: on one machine that is the
    clock that the listener reads too.
    """
    marks = {"ZIMAGE_BENCHMARK": "on", "ZIMAGE_MODEL": MODEL}
    with ground.open_site_folder(**marks) as folder:
        from tests.site.running import site, until

        with site(folder, **ground.SITE | marks) as running:
            until(running.is_ready, seconds=60, what="the worker is ready")
            from django.db import connection

            from benchmarks import people
            from zimageweb.loadtest.people import temporary

            with temporary(LISTENERS) as everybody:
                from django.contrib.auth.models import User

                users = list(User.objects.filter(username__in=[person.name for person in everybody]))

                def ask() -> None:
                    for user in users:
                        people.ask(user, steps=STEPS)
                    connection.close()

                return asyncio.run(_listen(f"localhost:{running.port}", [p.session for p in everybody], ask))


async def _listen(site: str, sessions: list[str], ask: Any) -> tuple[list[float], int]:
    from django.conf import settings
    from websockets.asyncio.client import connect

    waits: list[float] = []
    steps: set[tuple[int, int]] = set()
    finished: set[int] = set()
    ready = asyncio.Semaphore(0)

    async def page(session: str) -> None:
        cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
        async with connect(
            f"ws://{site}/ws/generations/", origin=f"http://{site}", additional_headers=cookie, proxy=None
        ) as socket:  # type: ignore[arg-type]
            async for text in socket:
                now = time.time_ns() / 1_000
                message = json.loads(text)
                if message["type"] == "snapshot":
                    ready.release()
                if message["type"] != "generation":
                    continue
                row = message["generation"]
                if row["state"] == "running" and row["step"]:
                    waits.append((now - row["seq"]) / 1_000)
                    steps.add((row["id"], row["step"]))
                if row["state"] == "succeeded":
                    finished.add(row["id"])

    pages = [asyncio.create_task(page(session)) for session in sessions]
    for _ in sessions:
        await ready.acquire()
    await asyncio.to_thread(ask)
    async with asyncio.timeout(300):
        while len(finished) < len(sessions):
            await asyncio.sleep(0.2)
    for task in pages:
        task.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return waits, STEPS * len(finished) - len(steps)


def _on(url: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scheduling", "measure"]
    answer = subprocess.run(
        command,
        cwd=ground.ROOT,
        env=os.environ | ({"DATABASE_URL": url} if url else {}),
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def main() -> int:
    from tests.on_postgresql import postgresql, programs

    report = ground.Report("scheduling", "The fair queue: order, weights, and its price when it is long")
    found = {"SQLite": _on("")}
    if binaries := programs():
        with postgresql(binaries) as server:
            found["PostgreSQL"] = _on(server.url)
    else:
        report.say("PostgreSQL is not installed here, so its part was left out.")
    report.say(
        f"`services.submit` and `services.start` called directly, {SAMPLES} times each, in turn, with {ROWS:,} rows of "
        f"{PEOPLE} people waiting; Redis is running. Then one of them cancels {CANCELS} pictures one by one, from the "
        "front."
    )
    columns = (
        "database",
        "B's is next after A's 1,000",
        "weight 2 : weight 1 over 300",
        "submit ms p95 (median)",
        "claim ms p95 (median)",
        "cancel ms p95 (median)",
        "reading the whole line ms p95",
    )
    report.say(
        ground.table(
            columns,
            [
                (
                    name,
                    "yes" if row["flood"] else "no",
                    f"{row['weights']:.3f}",
                    f"{row['submit']:.1f} ({row['submit median']:.1f})",
                    f"{row['claim']:.1f} ({row['claim median']:.1f})",
                    f"{row['cancel']:.1f} ({row['cancel median']:.1f})",
                    f"{row['line']:.1f}",
                )
                for name, row in found.items()
            ],
        )
    )
    report.judge(all(row["flood"] for row in found.values()), "1,000 by A, then 1 by B: B's is the next drawn.")
    report.judge(
        all(abs(row["weights"] / 2 - 1) <= 0.05 for row in found.values()),
        "weights 2:1 give 2:1 in megapixel-steps within 5 %.",
    )
    report.judge(all(row["submit"] <= 25 for row in found.values()), "submit p95 at most 25 ms.")
    report.judge(all(row["claim"] <= 10 for row in found.values()), "claim p95 at most 10 ms.")
    waits, missed = live()
    report.say(
        f"A running site with the timed engine and {LISTENERS} open pages, {len(waits):,} steps heard, {missed} not: "
        f"from the moment before a step is stored until its page has the event, p50 {ground.median(waits):.1f} ms, "
        f"p95 {ground.p95(waits):.1f} ms, worst {max(waits):.1f} ms."
    )
    report.judge(
        ground.p95(waits) <= 100 and not missed, "step event from engine to socket p95 at most 100 ms, none lost."
    )
    return report.end()


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        sys.stdout.write(json.dumps(measure()))
    else:
        sys.exit(main())
