from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from zimageweb.models import Invitation


class Command(BaseCommand):
    help = "Make an invitation and print the link with which one person can sign up (for SIGNUP=invite)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--note", default="", help="for whom it is; only staff see it")

    def handle(self, *args: Any, note: str, **options: Any) -> None:
        invitation = Invitation.objects.create(note=note)
        self.stdout.write(invitation.link)
        # Standard output holds the link and nothing else, so that a script can read it.
        self.stderr.write(f"One person can sign up with it until {invitation.expires_at:%Y-%m-%d}.")
        if settings.SIGNUP != "invite":
            self.stderr.write(f"It has no effect while SIGNUP={settings.SIGNUP}.")
