"""Alice owns pictures, Bob is a stranger to her, Stella is staff. Every test has a folder of its own for files."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def stella(db: None) -> User:
    return User.objects.create_superuser("stella")


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """A browser in which that person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def stored(media: Path) -> Callable[[], set[str]]:
    """The names of all files that are on the disk now."""
    return lambda: {path.relative_to(media).as_posix() for path in media.rglob("*") if path.is_file()}


@pytest.fixture
def put_file(media: Path) -> Callable[..., Path]:
    """A file that no row knows of, last written `age` ago."""

    def put(name: str, age: dt.timedelta = dt.timedelta(days=1)) -> Path:
        path = media / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
        written = (timezone.now() - age).timestamp()
        os.utime(path, (written, written))
        return path

    return put


@pytest.fixture
def policy(settings: Settings) -> None:
    """How long pictures are kept."""
    settings.RETENTION_DAYS = 7
    settings.BIN_DAYS = 3
