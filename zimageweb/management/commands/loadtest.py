from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from zimageweb.loadtest import people as who
from zimageweb.loadtest import plot, rounds
from zimageweb.loadtest.clients import Person, Wish
from zimageweb.loadtest.rounds import Round

MOST_USERS = 1_000
_MOST_PICTURES = 100
_MOST_SECONDS = 86_400


def _whole(least: int, most: int, text: str) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ArgumentTypeError(f"must be from {least} to {most}")
    return int(text)


def _users(text: str) -> list[int]:
    return [_whole(1, MOST_USERS, part.strip()) for part in text.split(",")]


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return _whole(1, 8_192, width), _whole(1, 8_192, height)


class Command(BaseCommand):
    help = (
        "Let many people at once ask the running site at URL for a picture, and say how long they waited. "
        "Exit status 1 if anybody got none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("url", metavar="URL", help="address of the site, such as http://localhost:7860")
        add("--users", type=_users, default=_users("5,10,15,20,30"), metavar="N,N,…", help="people at once, by round")
        add("--pictures", type=lambda text: _whole(1, _MOST_PICTURES, text), default=1, help="each asks for, in turn")
        add("--size", type=_size, default=(256, 256), metavar="WIDTHxHEIGHT")
        add("--steps", type=lambda text: _whole(1, 1_000, text), default=8)
        add("--timeout", type=lambda text: _whole(1, _MOST_SECONDS, text), default=600, help="seconds for each round")
        add("--token-file", type=Path, help="lines `USER TOKEN`, as create_api_token prints them")
        add("--make-users", action="store_true", help="on the site's own machine: make people and remove them again")
        add("--plot", type=Path, default=settings.DATA_DIR / "loadtest.svg", help="the SVG to write")
        add("--allow-remote", action="store_true", help="the site is on another machine, and may be loaded")

    def handle(
        self,
        *args: Any,
        url: str,
        users: list[int],
        token_file: Path | None,
        make_users: bool,
        allow_remote: bool,
        **options: Any,
    ) -> None:
        url = url.rstrip("/")
        _require_site(url, allow_remote=allow_remote)
        if make_users == (token_file is not None):
            raise CommandError("Say who asks: either --token-file FILE or, on the site's own machine, --make-users.")
        with who.temporary(max(users)) if token_file is None else nullcontext(who.from_file(token_file)) as everybody:
            if len(everybody) < max(users):
                raise CommandError(f"{token_file} holds {len(everybody)} people; {max(users)} are wanted.")
            _require_known(url, everybody[0], made_here=make_users)
            found = list(self._play(url, everybody, users, **options))
        failed = sum(one.failures.total() for one in found)
        asked = sum(len(one.answers) for one in found)
        target: Path = options["plot"]
        try:
            target.write_text(plot.draw(found, f"Load test of {urlsplit(url).netloc}"), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"The plot cannot be written to {target}: {error.strerror}.") from error
        came = f"All {asked}" if not failed else f"{asked - failed or 'None'} of {asked}"
        self.stdout.write(f"{came} pictures came; the plot is {target}.")
        if failed:
            sys.exit(1)

    def _play(self, url: str, everybody: Sequence[Person], users: list[int], **options: Any) -> list[Round]:
        width, height = options["size"]
        wish = Wish(width, height, options["steps"])
        found = []
        self.stdout.write(rounds.header())
        for count in users:
            result = asyncio.run(
                rounds.play(
                    url, everybody[:count], wish, pictures=options["pictures"], seconds=float(options["timeout"])
                )
            )
            self.stdout.write(result.line())
            for failure, times in result.failures.most_common(5):
                self.stderr.write(f"{times} × {failure}")
            found.append(result)
        by_api = sum(one.seconds is not None and not one.by_socket for result in found for one in result.answers)
        self.stdout.write(
            f"\n{width}x{height}, {wish.steps} steps. Seconds run from asking until the PNG was fetched and decoded. "
            "Engine busy: what the workers measured as drawing, over the wall time of all workers. Memory: the most "
            f"seen, workers only. {by_api} ends were learnt from the API instead of the socket.\n"
        )
        return found


def _require_site(url: str, *, allow_remote: bool) -> None:
    site = urlsplit(url)
    if site.scheme not in {"http", "https"} or not site.hostname or site.path or site.query:
        raise CommandError(f"{url} is not the address of a site: write it like http://localhost:7860")
    try:
        found = socket.getaddrinfo(site.hostname, site.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        raise CommandError(f"There is no host {site.hostname}: {error}.") from error
    if not allow_remote and not all(ipaddress.ip_address(address[4][0]).is_loopback for address in found):
        raise CommandError(
            f"{site.hostname} is another machine. A load test takes all that a site has: if it may, add --allow-remote."
        )


def _require_known(url: str, person: Person, *, made_here: bool) -> None:
    try:
        answer = httpx.get(
            f"{url}/api/v1/usage", headers={"Authorization": f"Bearer {person.token}"}, timeout=20, trust_env=False
        )
    except httpx.HTTPError as error:
        raise CommandError(f"The site at {url} does not answer: {error}.") from error
    if answer.status_code == 401 and made_here:
        raise CommandError(f"The site at {url} has another database than this command: start both with one .env.")
    if answer.status_code != 200:
        raise CommandError(f"The site at {url} answers {answer.status_code} to {person.name}'s token.")
