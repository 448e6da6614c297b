"""`manage.py worker`: draw what is queued, until told to stop."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.engine.exceptions import DeviceLost, EngineError, PassingTrouble
from generation.worker import DrawingWorker, default_name


class Command(BaseCommand):
    help = (
        "Draw queued pictures with one warm model. Exit status 78: the model cannot be loaded as configured, so "
        "starting again would not help. 75: it cannot be loaded at the moment, for want of memory, room on the disk or "
        "the network; start again after a while."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", help="unique among the workers; rows of an earlier process of it are recovered")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        worker = DrawingWorker(name or default_name())
        try:
            worker.run()
        except DeviceLost as error:
            raise CommandError(f"The worker ends: {error}", returncode=1) from error
        except PassingTrouble as error:
            raise CommandError(f"The worker cannot start at the moment: {error}", returncode=os.EX_TEMPFAIL) from error
        except EngineError as error:
            raise CommandError(f"The worker cannot start: {error}", returncode=os.EX_CONFIG) from error
        self.stdout.write(f"{worker.name} has stopped; nothing was left in hand.")
