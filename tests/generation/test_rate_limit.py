"""The limit on how fast one person asks, with the real Redis. Time is what the tests say it is, so nothing waits."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from generation import rate_limit
from generation.exceptions import RateLimited
from generation.models import Generation
from zimageweb.environment import Rate

NOW = 1_800_000_000.0
WANTED = {"prompt": "a red fox", "width": 64, "height": 64, "steps": 4}
FORM = {"prompt": "a red fox", "style": "ink-wash", "shape": "3:4", "count": "2", "steps": "5", "seed": "7"}


@pytest.fixture(autouse=True)
def limited(settings: Settings, redis_server: str) -> Iterator[redis.Redis]:
    """Five a second, ten at once, and no bucket left from another test."""
    settings.RATE_LIMIT = Rate(5.0, 10)
    with redis.Redis.from_url(redis_server) as server:
        for key in server.scan_iter("zimageweb:asking:*"):
            server.delete(key)
        yield server


def taken(user_id: int, times: int, now: float | None = NOW) -> int:
    """How many of so many requests are let through."""
    passed = 0
    for _ in range(times):
        try:
            rate_limit.take(user_id, now=now)
            passed += 1
        except RateLimited:
            pass
    return passed


def ask(client: Client, **headers: str) -> Any:
    return client.post("/api/v1/generations", json.dumps(WANTED), content_type="application/json", headers=headers)


def use_up(user: User) -> None:
    """By the server's own clock; a slow machine may have given some back meanwhile."""
    ahead = time.time() + 3_600  # an empty bucket of the future is one that is empty now
    assert taken(user.pk, 10, ahead) == 10


def test_ten_at_once_pass_and_the_eleventh_is_told_when_to_come_back() -> None:
    assert taken(1, 10) == 10
    with pytest.raises(RateLimited) as refused:
        rate_limit.take(1, now=NOW)
    assert refused.value.retry_after == pytest.approx(0.2)
    assert refused.value.limit == 10
    assert str(refused.value) == "That was too fast. Try again in 1 second."
    assert taken(1, 1, NOW + refused.value.retry_after - 0.001) == 0
    assert taken(1, 1, NOW + refused.value.retry_after) == 1


def test_it_fills_at_five_a_second_and_not_beyond_ten() -> None:
    assert taken(1, 20) == 10
    assert taken(1, 20, NOW + 1) == 5
    assert taken(1, 20, NOW + 1.4) == 2
    assert taken(1, 20, NOW + 3_600) == 10


def test_refused_requests_cost_nothing() -> None:
    taken(1, 500)
    assert taken(1, 20, NOW + 1) == 5


def test_a_slow_rate_is_kept_too(settings: Settings) -> None:
    settings.RATE_LIMIT = Rate(30 / 60, 3)
    assert taken(1, 5) == 3
    assert taken(1, 5, NOW + 1.9) == 0
    assert taken(1, 5, NOW + 2) == 1


def test_people_do_not_share_it() -> None:
    assert (taken(1, 15), taken(2, 15)) == (10, 10)


def test_fifty_at_once_get_exactly_ten() -> None:
    together, passed = threading.Barrier(50), []

    def hurry() -> None:
        together.wait()
        passed.append(taken(1, 1))

    people = [threading.Thread(target=hurry) for _ in range(50)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sum(passed) == 10


def test_a_clock_that_is_put_back_locks_nobody_out() -> None:
    assert taken(1, 11) == 10
    with pytest.raises(RateLimited) as refused:
        rate_limit.take(1, now=NOW - 86_400)
    assert refused.value.retry_after <= 0.2


def test_buckets_do_not_pile_up(limited: redis.Redis) -> None:
    taken(1, 10, None)
    (key,) = limited.scan_iter("zimageweb:asking:*")
    assert 0 < limited.pttl(key) <= 2_000


def test_without_a_limit_nobody_is_counted(settings: Settings, limited: redis.Redis) -> None:
    settings.RATE_LIMIT = None
    assert taken(1, 100) == 100
    assert list(limited.scan_iter("zimageweb:asking:*")) == []


def test_while_redis_is_away_nobody_is_refused_and_it_is_logged_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "generation.rate_limit")
    there = settings.REDIS_URL
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    assert taken(1, 100) == 100
    settings.REDIS_URL = there
    assert taken(1, 20) == 10
    first, second = [record.message for record in caplog.records]
    assert "cannot be reached" in first
    assert "limited again" in second


@pytest.mark.django_db(transaction=True)
class TestAsking:
    def test_too_fast_is_429_and_says_when_to_come_back(self, as_alice: Client, alice: User) -> None:
        use_up(alice)
        answer = ask(as_alice)
        body = answer.json()
        assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
        assert (body["code"], body["limit"], body["used"]) == ("rate_limited", 10, 10)
        assert body["resets_at"]
        assert int(answer["Retry-After"]) >= 1
        assert not Generation.objects.exists()

    def test_ten_pass_whatever_they_are(self, as_alice: Client) -> None:
        answers = [ask(as_alice, **{"Idempotency-Key": "the same"}) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {201}
        assert Generation.objects.count() == 1

    def test_a_repeated_request_counts_as_well(self, as_alice: Client, alice: User) -> None:
        assert ask(as_alice, **{"Idempotency-Key": "k"}).status_code == 201
        use_up(alice)
        assert ask(as_alice, **{"Idempotency-Key": "k"}).status_code == 429

    def test_trying_again_counts_as_well(self, as_alice: Client, alice: User) -> None:
        (row,) = ask(as_alice).json()["generations"]
        as_alice.post(f"/api/v1/generations/{row['id']}/cancel")
        use_up(alice)
        assert as_alice.post(f"/api/v1/generations/{row['id']}/retry").status_code == 429
        assert Generation.objects.count() == 1

    def test_looking_and_cancelling_are_not_limited(self, as_alice: Client, alice: User) -> None:
        (row,) = ask(as_alice).json()["generations"]
        use_up(alice)
        assert as_alice.get("/api/v1/generations").status_code == 200
        assert as_alice.post(f"/api/v1/generations/{row['id']}/cancel").status_code == 200

    def test_the_form_says_so_and_keeps_what_was_typed(self, as_alice: Client, alice: User) -> None:
        use_up(alice)
        answer = as_alice.post("/", FORM)
        page = answer.content.decode()
        assert answer.status_code == 429
        assert "That was too fast. Try again in 1 second." in page
        assert FORM["prompt"] in page
        assert not Generation.objects.exists()

    def test_asking_works_while_redis_is_away(self, as_alice: Client, settings: Settings) -> None:
        settings.REDIS_URL = "unix:///nowhere/redis.sock"
        assert [ask(as_alice).status_code for _ in range(12)] == [201] * 12
