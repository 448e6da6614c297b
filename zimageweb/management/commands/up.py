from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from zimageweb.supervisor import Supervisor


def _count(value: str) -> int | None:
    if value == "auto":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise ArgumentTypeError("must be 1 or more, or auto")
    return int(value)


class Command(BaseCommand):
    help = "Run the whole site on this machine: Redis, web server, workers and the daily sweep."
    requires_system_checks: list[str] = []  # after its own, which answer with one sentence

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--workers",
            type=_count,
            default=1,
            metavar="N|auto",
            help="how many workers draw (default 1); on several CUDA devices they take turns, auto is one on each",
        )
        parser.add_argument("--no-worker", action="store_true", help="draw nothing here; workers run elsewhere")

    def handle(self, *args: Any, workers: int | None, no_worker: bool, **options: Any) -> None:
        Supervisor(_say, workers=0 if no_worker else workers).run()


def _say(line: str) -> None:
    # One write for each line: several threads say something at once. A terminal that was closed hears nothing more,
    # which must not keep the children from being ended in order.
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
