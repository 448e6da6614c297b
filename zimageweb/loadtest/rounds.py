"""So many people at the same moment, and what came of it in numbers."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from zimageweb.loadtest.clients import Answer, Client, Person, Wish
from zimageweb.loadtest.memory import Memory

_ARRIVAL_SECONDS = 60.0
_COLUMNS = ("users", "mean s", "p95 s", "worst s", "failed %", "images/s", "engine busy %", "worker MB", "GPU MB")


@dataclass(frozen=True, slots=True)
class Round:
    """The result of one round. Seconds are of those answers that came; `wall` is from the first request to the last
    answer, `workers` how many were ready before it."""

    users: int
    answers: Sequence[Answer]
    wall: float
    workers: int
    memory: Memory

    @property
    def seconds(self) -> list[float]:
        return sorted(answer.seconds for answer in self.answers if answer.seconds is not None)

    @property
    def failures(self) -> Counter[str]:
        return Counter(answer.failure for answer in self.answers if answer.seconds is None)

    @property
    def mean(self) -> float | None:
        return sum(self.seconds) / len(self.seconds) if self.seconds else None

    @property
    def p95(self) -> float | None:
        """By nearest rank."""
        return self.seconds[math.ceil(0.95 * len(self.seconds)) - 1] if self.seconds else None

    @property
    def worst(self) -> float | None:
        return self.seconds[-1] if self.seconds else None

    @property
    def failed(self) -> float:
        """Percent."""
        return 100 * self.failures.total() / len(self.answers)

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    @property
    def busy(self) -> float | None:
        """Percent of the wall time of all workers that their engines spent on the pictures that came."""
        if not self.workers:
            return None
        return 100 * sum(answer.drawing for answer in self.answers) / (self.wall * self.workers)

    def line(self) -> str:
        memory = self.memory
        numbers = (
            str(self.users),
            *(_number(value, 2) for value in (self.mean, self.p95, self.worst)),
            *(_number(self.failed, 1), _number(self.rate, 2), _number(self.busy, 1)),
            *(_number(memory.resident, 0), _number(memory.on_device, 0)),
        )
        return _row(numbers)


def header() -> str:
    """The first two lines of the table, which is Markdown as well."""
    return f"{_row(_COLUMNS)}\n|{'|'.join('-' * (len(column) + 1) + ':' for column in _COLUMNS)}|"


def _row(cells: Sequence[str]) -> str:
    widths = map(len, _COLUMNS)
    return "| " + " | ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


async def play(url: str, people: Sequence[Person], wish: Wish, *, pictures: int, seconds: float) -> Round:
    """Everybody opens their page; then all ask at the same moment, and each again until they have `pictures`.

    What is not answered within `seconds` has failed, and is taken back.
    """
    secure = ssl.create_default_context() if url.startswith("https:") else None
    clients = [Client(url, person, secure) for person in people]
    memory = Memory()
    try:
        await asyncio.gather(*(client.arrive(_ARRIVAL_SECONDS) for client in clients))
        workers, pids = await _workers(clients[0])
        watching = asyncio.create_task(memory.watch(pids))
        began = time.monotonic()
        tasks = [asyncio.create_task(_draw(client, wish, pictures)) for client in clients]
        _, late = await asyncio.wait(tasks, timeout=seconds)
        wall = time.monotonic() - began
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await asyncio.gather(*(client.give_up() for client, task in zip(clients, tasks, strict=True) if task in late))
    finally:
        await asyncio.gather(*(client.leave() for client in clients))
    lost = [Answer(failure=f"no answer within {seconds:g} s")] * pictures
    answers = [answer for task in tasks for answer in (lost if task in late else task.result())]
    return Round(len(people), answers, wall, workers, memory)


async def _draw(client: Client, wish: Wish, pictures: int) -> list[Answer]:
    return [await client.draw(wish) for _ in range(pictures)]


async def _workers(client: Client) -> tuple[int, list[int]]:
    """How many workers are ready, and their processes where the site tells them."""
    try:
        found = await client.workers()
    except (httpx.HTTPError, ValueError):
        return 0, []
    return found["ready"], [worker["pid"] for worker in found["workers"] if worker["alive"] and worker.get("pid")]
