"""The account page: API tokens and the theme."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from zimageweb.models import ApiToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_the_account_page_is_for_members(client: Client) -> None:
    assert client.get("/accounts/")["Location"] == "/accounts/login/?next=/accounts/"


def test_it_shows_usage_and_tokens(as_alice: Client, alice: User) -> None:
    ApiToken.issue(alice, "my script")
    answer = as_alice.get("/accounts/")
    assert answer.context["usage"].as_json()["day"]["used"] == 0
    assert "my script" in answer.content.decode()


def test_a_token_is_shown_once_and_works(as_alice: Client, alice: User) -> None:
    answer = as_alice.post("/accounts/tokens/", {"name": "my script"})
    token = answer.context["new_token"]
    assert token in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert token not in as_alice.get("/accounts/").content.decode()
    assert ApiToken.user_for(token) == alice
    assert Client().get("/api/v1/usage", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_revoked_token_no_longer_works(as_alice: Client, alice: User) -> None:
    token = ApiToken.issue(alice)
    as_alice.post(f"/accounts/tokens/{alice.api_tokens.get().pk}/revoke/")
    assert ApiToken.user_for(token) is None
    answer = Client().get("/api/v1/usage", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_another_persons_token_cannot_be_revoked(as_alice: Client, charlie: User) -> None:
    token = ApiToken.issue(charlie)
    assert as_alice.post(f"/accounts/tokens/{charlie.api_tokens.get().pk}/revoke/").status_code == 404
    assert ApiToken.user_for(token) == charlie


def test_there_is_an_end_to_tokens(as_alice: Client, alice: User) -> None:
    for _ in range(25):
        as_alice.post("/accounts/tokens/")
    assert alice.api_tokens.count() == 20


def test_a_token_of_a_person_who_was_switched_off_does_not_work(alice: User) -> None:
    token = ApiToken.issue(alice)
    User.objects.update(is_active=False)
    assert ApiToken.user_for(token) is None


class TestTheme:
    def test_a_script_gets_no_content_and_a_cookie_for_a_year(self, client: Client) -> None:
        answer = client.post("/accounts/theme/", {"theme": "dark"}, headers={"Accept": "*/*"})
        cookie = answer.cookies["theme"]
        assert (answer.status_code, cookie.value, cookie["max-age"]) == (204, "dark", 365 * 24 * 3600)
        assert client.get("/accounts/login/").context["theme"] == "dark"

    @pytest.mark.parametrize(
        ("target", "expected"),
        [("/gallery/", "/gallery/"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("", "/")],
    )
    def test_a_form_goes_back_to_its_page_and_nowhere_else(self, client: Client, target: str, expected: str) -> None:
        sent = {"theme": "light", "next": target}
        assert client.post("/accounts/theme/", sent, headers={"Accept": "text/html"})["Location"] == expected

    def test_without_a_target_it_goes_back_to_where_it_came_from(self, client: Client) -> None:
        headers = {"Accept": "text/html", "Referer": "http://testserver/queue/"}
        answer = client.post("/accounts/theme/", {"theme": "auto"}, headers=headers)
        assert answer["Location"] == "http://testserver/queue/"

    def test_nonsense_is_refused_and_never_reaches_the_page(self, client: Client) -> None:
        assert client.post("/accounts/theme/", {"theme": "pink"}).status_code == 400
        client.cookies["theme"] = '"><script>'
        assert client.get("/accounts/login/").context["theme"] == "auto"


@pytest.mark.django_db
def test_a_reset_by_mail_is_offered_only_where_mail_is_sent(client: Client, settings: Settings) -> None:
    assert "An administrator can set a new one" in client.get("/accounts/login/").content.decode()
    settings.MAIL_IS_SENT = True
    assert "/accounts/password/reset/" in client.get("/accounts/login/").content.decode()
