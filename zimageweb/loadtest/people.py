"""Who asks in a load test: people from a file of tokens, or people made for it and removed afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import transaction

from generation import services
from zimageweb.loadtest.clients import Person
from zimageweb.models import ApiToken


def from_file(path: Path) -> list[Person]:
    """The people of a file with one `USER TOKEN` a line, as `manage.py create_api_token` prints it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error
    people = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words and len(words) != 2:
            raise CommandError(f"Line {number} of {path} is not `USER TOKEN`.")
        if words:
            people.append(Person(*words))
    return people


@contextmanager
def temporary(count: int) -> Iterator[list[Person]]:
    """So many new people, each with a token and a browser's session; in the end they and all they made are removed.

    Nobody can sign in as one of them: they have no password.
    """
    group = secrets.token_hex(3)
    with transaction.atomic():
        made = [User.objects.create_user(f"loadtest-{group}-{number:04d}") for number in range(1, count + 1)]
        people = [Person(user.get_username(), ApiToken.issue(user, "load test"), _sign_in(user)) for user in made]
    try:
        yield people
    finally:
        for user, person in zip(made, people, strict=True):
            _sessions()(person.session).delete()
            services.cancel_all(user=user)
            user.delete()


def _sessions() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def _sign_in(user: User) -> str:
    """The key of a new session in which `user` is signed in."""
    session = _sessions()()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
