"""`manage.py worker`: draw what is queued, until told to stop."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generation.engine.exceptions import DeviceLost, EngineError
from generation.worker import DrawingWorker, default_name


class Command(BaseCommand):
    help = (
        "Draw queued pictures with one warm model. Exit status 78: the model cannot be loaded as configured, so "
        "starting again would not help."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", help="unique among the workers; rows of an earlier process of it are recovered")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        worker = DrawingWorker(name or default_name())
        try:
            worker.run()
        except DeviceLost as error:
            self.stderr.write(f"The worker ends: {error}")
            sys.exit(1)
        except EngineError as error:
            self.stderr.write(f"The worker cannot start: {error}")
            sys.exit(os.EX_CONFIG)
        self.stdout.write(f"{worker.name} has stopped; nothing was left in hand.")
