"""Who can make an account under each `SIGNUP` policy, and how staff let people in."""

from __future__ import annotations

import datetime as dt
import re
import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from zimageweb import signup
from zimageweb.models import Invitation

PASSWORD = "correct-horse-battery-9"


def _fill_in(client: Client, name: str = "dora") -> int:
    """Send the sign-up form; the status of the answer."""
    form = {"username": name, "email": f"{name}@example.org", "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", form).status_code


def _is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.django_db
class TestClosed:
    @pytest.fixture(autouse=True)
    def policy(self, settings: Settings) -> None:
        settings.SIGNUP = "closed"

    def test_nobody_can_sign_up(self, client: Client) -> None:
        assert "account/signup_closed.html" in [used.name for used in client.get("/accounts/signup/").templates]
        _fill_in(client)
        assert not User.objects.exists()

    def test_an_invitation_does_not_help(self, client: Client) -> None:
        client.get("/accounts/signup/", {"invitation": Invitation.objects.create().code})
        _fill_in(client)
        assert not User.objects.exists()


@pytest.mark.django_db
class TestOpen:
    def test_who_signs_up_is_in(self, client: Client, settings: Settings) -> None:
        settings.SIGNUP = "open"
        assert _fill_in(client) == 302
        assert _is_signed_in(client)
        assert User.objects.get().is_active


@pytest.mark.django_db
class TestApproval:
    @pytest.fixture(autouse=True)
    def policy(self, settings: Settings) -> None:
        settings.SIGNUP = "approval"

    def test_who_signs_up_waits_and_is_told_so(self, client: Client) -> None:
        form = {"username": "dora", "password1": PASSWORD, "password2": PASSWORD}
        answer = client.post("/accounts/signup/", form, follow=True)
        assert answer.redirect_chain == [("/accounts/inactive/", 302)]
        assert answer.context["signup"] == "approval"
        assert not _is_signed_in(client)
        assert list(signup.waiting_for_approval()) == [User.objects.get(username="dora", is_active=False)]

    def test_who_waits_cannot_sign_in_and_is_told_so(self, client: Client) -> None:
        _fill_in(client)
        answer = client.post("/accounts/login/", {"login": "dora", "password": PASSWORD})
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/inactive/")
        assert not _is_signed_in(client)

    def test_staff_find_who_waits_and_let_them_in(self, client: Client, charlie: User) -> None:
        _fill_in(client, "dora")
        off = User.objects.create_user("erik", is_active=False, last_login=timezone.now())

        staff = Client()
        staff.force_login(charlie)
        listed = staff.get("/admin/auth/user/", {"approval": "waiting"}).content.decode()
        assert ">dora</a>" in listed
        assert ">erik</a>" not in listed
        everybody = [str(user.pk) for user in User.objects.all()]
        answer = staff.post("/admin/auth/user/", {"action": "approve", "_selected_action": everybody}, follow=True)

        assert "1 account was approved." in answer.content.decode()
        client.post("/accounts/login/", {"login": "dora", "password": PASSWORD})
        assert _is_signed_in(client)
        off.refresh_from_db()
        assert not off.is_active  # was let in once and switched off later


@pytest.mark.django_db
class TestInvite:
    @pytest.fixture(autouse=True)
    def policy(self, settings: Settings) -> None:
        settings.SIGNUP = "invite"

    def test_without_an_invitation_it_is_closed(self, client: Client) -> None:
        assert "account/signup_closed.html" in [used.name for used in client.get("/accounts/signup/").templates]
        client.get("/accounts/signup/", {"invitation": "guessed"})
        _fill_in(client)
        assert not User.objects.exists()

    def test_the_link_lets_one_person_in(self, client: Client) -> None:
        invitation = Invitation.objects.create(note="for Dora")
        path = re.sub(r"^https?://[^/]+", "", invitation.link)
        assert client.get(path).status_code == 200
        assert _fill_in(client) == 302  # the form itself does not hold the code: the session does
        assert _is_signed_in(client)
        invitation.refresh_from_db()
        assert invitation.used_by == User.objects.get(username="dora")

        other = Client()
        other.get(path)
        _fill_in(other, "erik")
        assert User.objects.count() == 1

    def test_a_mistake_in_the_form_does_not_use_the_invitation_up(self, client: Client) -> None:
        client.get("/accounts/signup/", {"invitation": Invitation.objects.create().code})
        client.post("/accounts/signup/", {"username": "dora", "password1": "a", "password2": "b"})
        assert Invitation.objects.open().count() == 1
        assert _fill_in(client) == 302

    def test_an_invitation_ends(self, client: Client) -> None:
        ended = Invitation.objects.create(expires_at=timezone.now() - dt.timedelta(seconds=1))
        client.get("/accounts/signup/", {"invitation": ended.code})
        _fill_in(client)
        assert not User.objects.exists()


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_invitation_at_once_one_gets_in(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SIGNUP = "invite"
    invitation = Invitation.objects.create()
    both_let_through = threading.Barrier(2, timeout=10)
    look = signup.SignupAdapter.is_open_for_signup

    def look_and_wait(self: signup.SignupAdapter, request: HttpRequest) -> bool:
        is_open = look(self, request)
        if request.method == "POST":
            both_let_through.wait()
        return is_open

    monkeypatch.setattr(signup.SignupAdapter, "is_open_for_signup", look_and_wait)
    statuses: list[int] = []

    def sign_up(name: str) -> None:
        client = Client()
        try:
            client.get("/accounts/signup/", {"invitation": invitation.code})
            statuses.append(_fill_in(client, name))
        finally:
            connection.close()

    people = [threading.Thread(target=sign_up, args=[name]) for name in ("dora", "erik")]
    for person in people:
        person.start()
    for person in people:
        person.join()

    invitation.refresh_from_db()
    assert sorted(statuses) == [302, 403]
    assert list(User.objects.all()) == [invitation.used_by]
