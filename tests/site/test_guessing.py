"""Guessing passwords, making accounts in a row: allauth's limits are in force, and web processes count together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache, caches
from django.test import Client
from pytest_django import Settings

from tests.site.running import manage
from zimageweb.shared_cache import SharedCache

OPTIONS = {"serializer": "rq.serializers.JSONSerializer", "socket_connect_timeout": 1, "socket_timeout": 1}


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def _is_in(client: Client, password: str) -> bool:
    client.post("/accounts/login/", {"login": "alice", "password": password})
    return "_auth_user_id" in client.session


@pytest.mark.django_db
def test_after_five_wrong_passwords_not_even_the_right_one_is_taken(alice: User) -> None:
    for guess in range(5):
        assert not _is_in(Client(), f"guess {guess}")
    answer = Client().post("/accounts/login/", {"login": "alice", "password": "pw-of-alice"})
    assert "Too many failed login attempts" in answer.content.decode()
    assert not _is_in(Client(), "pw-of-alice")


@pytest.mark.django_db
def test_four_wrong_ones_are_forgiven(alice: User) -> None:
    for guess in range(4):
        assert not _is_in(Client(), f"guess {guess}")
    assert _is_in(Client(), "pw-of-alice")


@pytest.mark.django_db
def test_accounts_cannot_be_made_by_the_dozen(settings: Settings) -> None:
    settings.SIGNUP = "open"
    for number in range(21):
        password = "correct-horse-battery-9"
        form = {"username": f"dora{number}", "password1": password, "password2": password}
        answer = Client().post("/accounts/signup/", form)
    assert answer.status_code == 429
    assert User.objects.count() == 20


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "That was too often. Wait a minute, then try again."), ("zh-CN", "操作过于频繁。请等一分钟再试。")],
)
def test_whoever_is_too_fast_gets_a_page_that_says_how_long_to_wait(language: str, words: str) -> None:
    client = Client(headers={"Accept-Language": language})
    for _ in range(6):
        answer = client.post("/accounts/password/reset/", {"email": "alice@example.org"})
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (429, "60", "no-store")
    page = answer.content.decode()
    assert words in page
    assert 'class="entrance entrance--error"' in page
    assert 'href="/accounts/password/reset/"' in page


def _shared(url: str) -> SharedCache:
    """As settings.py makes it where REDIS_URL is set; each call stands for one web process."""
    return SharedCache(url, {"KEY_PREFIX": "zimageweb-test", "OPTIONS": OPTIONS})


def test_processes_count_together(redis_server: str) -> None:
    one, other = _shared(redis_server), _shared(redis_server)
    one.set("key", [1.5, 2.5], 60)
    assert other.get("key") == [1.5, 2.5]
    assert not other.add("key", [], 60)
    assert other.delete("key")
    assert one.get("key", "nothing") == "nothing"


def test_with_a_redis_of_ones_own_they_do(redis_server: str, tmp_path: Path) -> None:
    script = "from django.core.cache import cache; cache.set('shared', [1.5], 60)"
    done = manage("shell", "-v", "0", "-c", script, data_dir=tmp_path, REDIS_URL=redis_server)
    assert done.returncode == 0, done.stderr
    assert SharedCache(redis_server, {"KEY_PREFIX": "zimageweb", "OPTIONS": OPTIONS}).get("shared") == [1.5]


@pytest.mark.django_db
def test_signing_in_needs_no_redis(alice: User, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "zimageweb.shared_cache")
    settings.CACHES = {
        "default": {
            "BACKEND": "zimageweb.shared_cache.SharedCache",
            "LOCATION": "unix:///nowhere/redis.sock",
            "OPTIONS": OPTIONS,
        }
    }
    assert isinstance(caches["default"], SharedCache)
    for guess in range(5):
        assert not _is_in(Client(), f"guess {guess}")
    assert not _is_in(Client(), "pw-of-alice"), "wrong passwords are counted all the same"
    caches["default"].clear()
    assert _is_in(Client(), "pw-of-alice")
    assert len(caplog.records) == 1
