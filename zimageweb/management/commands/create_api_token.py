from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from zimageweb.models import ApiToken


class Command(BaseCommand):
    help = "Make an API token for each user and print one line `USER TOKEN` for each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("users", nargs="+", metavar="USER")
        parser.add_argument("--name", default="", help="what the token is for; shown on the user's account page")

    def handle(self, *args: Any, users: list[str], name: str, **options: Any) -> None:
        found = {user.get_username(): user for user in User.objects.filter(username__in=users, is_active=True)}
        if missing := [user for user in users if user not in found]:
            raise CommandError(f"No token was made: there is no active user {', '.join(missing)}.")
        with transaction.atomic():
            tokens = [(user, ApiToken.issue(found[user], name)) for user in users]
        for user, token in tokens:
            self.stdout.write(f"{user} {token}")
        # Standard output holds the tokens and nothing else, so that a script can read it.
        self.stderr.write(f"{len(tokens)} made; they are not shown again.")
