"""`manage.py housekeeper`: pack the ZIP files that people ask for, until told to stop."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from zimageweb import housekeeping


class Command(BaseCommand):
    help = "Pack the ZIP files that people ask for, in the background; needs no GPU."

    def handle(self, *args: Any, **options: Any) -> None:
        housekeeping.listen()
        self.stdout.write("The housekeeper has stopped; what waits stays in the database.")
