"""`POST /api/predict/`: who may call it, and that nobody guesses passwords there."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from generation.models import Generation
from tests.site.asking import Call, asked, post, with_password, with_token
from tests.site.test_predict import FOX, PATH, no_connection_left, nothing_counted
from zimageweb.models import ApiToken

__all__ = ["no_connection_left", "nothing_counted"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_name_and_a_password_do(alice: User) -> None:
    call = await Call(PATH, FOX, **with_password("alice", "pw-of-alice")).send()
    assert (await asked())[0].user_id == alice.pk
    await call.hang_up()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        with_token("nonsense"),
        with_password("alice", "wrong"),
        with_password("nobody", "pw-of-alice"),
        with_password("ali\0ce", "pw"),
        {"Authorization": "Basic ?"},
        {"Authorization": "Basic"},
    ],
)
async def test_anything_else_is_401_and_says_what_is_taken(alice: User, headers: dict[str, str]) -> None:
    answer = await post(PATH, FOX, **headers)
    assert (answer.status, answer.json()["code"]) == (401, "not_authenticated")
    assert "Basic" in answer.headers["www-authenticate"]
    assert "Bearer" in answer.headers["www-authenticate"]
    assert not await Generation.objects.aexists()


async def test_a_browsers_session_opens_nothing_here(alice: User) -> None:
    client = Client()
    await sync_to_async(client.force_login)(alice)
    cookie = f"sessionid={client.session.session_key}"
    assert (await post(PATH, FOX, Cookie=cookie)).status == 401


async def test_a_closed_account_is_refused(alice: User) -> None:
    token = await sync_to_async(ApiToken.issue)(alice)
    await User.objects.aupdate(is_active=False)
    for headers in (with_token(token), with_password("alice", "pw-of-alice")):
        assert (await post(PATH, FOX, **headers)).status == 401


async def test_a_password_alone_does_not_pass_by_the_second_factor(alice: User) -> None:
    await Authenticator.objects.acreate(user=alice, type=Authenticator.Type.TOTP, data={})
    answer = await post(PATH, FOX, **with_password("alice", "pw-of-alice"))
    assert answer.status == 401
    assert "API token" in answer.json()["detail"]


async def test_passwords_cannot_be_guessed_here_nor_in_turns_with_the_sign_in_page(alice: User) -> None:
    client = Client(HTTP_HOST="localhost")
    for guess in range(3):
        assert (await post(PATH, FOX, **with_password("alice", f"guess {guess}"))).status == 401
    for guess in range(2):
        await sync_to_async(client.post)("/accounts/login/", {"login": "alice", "password": f"another {guess}"})
    answer = await post(PATH, FOX, **with_password("alice", "pw-of-alice"))
    assert (answer.status, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) >= 1
    await sync_to_async(client.post)("/accounts/login/", {"login": "alice", "password": "pw-of-alice"})
    assert not await sync_to_async(lambda: "_auth_user_id" in client.session)()
    token = await sync_to_async(ApiToken.issue)(alice)
    call = await Call(PATH, FOX, **with_token(token)).send()
    await asked()
    await call.hang_up()


async def test_the_right_password_is_not_counted(alice: User, settings: Settings) -> None:
    settings.PREDICT_TIMEOUT_SECONDS = 0
    statuses = [(await post(PATH, FOX, **with_password("alice", "pw-of-alice"))).status for _ in range(8)]
    assert set(statuses) == {504}
