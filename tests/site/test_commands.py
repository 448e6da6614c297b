"""`manage.py create_api_token` and `manage.py invite`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from zimageweb.models import ApiToken, Invitation

pytestmark = pytest.mark.django_db


def _run(*words: str) -> tuple[list[str], str]:
    out, err = StringIO(), StringIO()
    call_command(*words, stdout=out, stderr=err)
    return out.getvalue().splitlines(), err.getvalue()


def test_create_api_token_prints_a_line_for_each_user(alice: User, charlie: User) -> None:
    lines, words = _run("create_api_token", "alice", "charlie", "--name", "loadtest")
    assert [line.split()[0] for line in lines] == ["alice", "charlie"]
    assert [ApiToken.user_for(line.split()[1]) for line in lines] == [alice, charlie]
    assert words.startswith("2 made")
    assert str(alice.api_tokens.get()) == "loadtest"


@pytest.mark.parametrize("also", ["nobody", "dora"])
def test_create_api_token_makes_none_when_one_user_cannot_have_one(alice: User, also: str) -> None:
    User.objects.create_user("dora", is_active=False)
    with pytest.raises(CommandError, match=f"No token was made: there is no active user {also}"):
        _run("create_api_token", "alice", also)
    assert not ApiToken.objects.exists()


def test_invite_prints_a_link_that_works_once(settings: Settings) -> None:
    settings.SIGNUP, settings.SITE_URL = "invite", "https://pictures.example.org"
    lines, words = _run("invite", "--note", "for Dora")
    invitation = Invitation.objects.open().get(note="for Dora")
    assert lines == [f"https://pictures.example.org/accounts/signup/?invitation={invitation.code}"]
    assert "One person can sign up with it until" in words
    assert "no effect" not in words


def test_invite_says_when_invitations_are_not_asked_for(settings: Settings) -> None:
    settings.SIGNUP = "open"
    assert "It has no effect while SIGNUP=open." in _run("invite")[1]
