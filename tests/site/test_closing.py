"""Closing one's account: what is asked first, that everything goes, and that nothing goes on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from gallery.models import Image
from generation import services
from generation.catalogue import Model
from generation.models import Generation, LedgerEntry
from generation.parameters import Parameters
from tests.factories import make_image
from zimageweb import closing
from zimageweb.models import ApiToken, Preferences

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

URL = "/accounts/delete/"


@pytest.fixture(autouse=True)
def nothing_guessed_yet() -> None:
    cache.clear()


def ask(user: User, count: int) -> list[Generation]:
    parameters = Parameters.checked(
        Model(native_pixels=64 * 64), prompt="a red fox", width=64, height=64, steps=4, count=count
    )
    return services.submit(user=user, parameters=parameters).generations


def files() -> set[Path]:
    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


def signed_in(name: str, password: str) -> Client:
    """By the form, as people do: only so is the session listed."""
    client = Client()
    assert client.post("/accounts/login/", {"login": name, "password": password}).status_code == 302
    return client


@pytest.fixture
def as_alice(alice: User) -> Client:
    return signed_in("alice", "pw-of-alice")


def test_it_says_what_goes_and_asks_for_the_password(as_alice: Client, alice: User) -> None:
    make_image(alice)
    make_image(alice, in_bin_for=dt.timedelta(hours=1))
    ask(alice, 3)
    page = as_alice.get(URL).content.decode()
    assert "Delete my account and 2 pictures" in page
    assert "3 pictures that are under way are cancelled" in page
    refused = as_alice.post(URL, {"password": "guessed"})
    assert refused.status_code == 422
    assert "This is not your password." in refused.content.decode()
    assert User.objects.filter(pk=alice.pk).exists()


def test_everything_goes_and_other_people_keep_theirs(as_alice: Client, alice: User, charlie: User) -> None:
    kept = make_image(charlie)
    before = files()
    make_image(alice)
    make_image(alice, favourite=True)
    rows = ask(alice, 3)
    hers = ask(charlie, 1)
    running = services.start(worker="w", most=1)
    token = ApiToken.issue(alice)
    Preferences.set(alice, language="en")
    phone = signed_in("alice", "pw-of-alice")

    answer = as_alice.post(URL, {"password": "pw-of-alice"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/login/"
    assert "Your account and 2 pictures are gone." in answer.content.decode()

    assert list(User.objects.all()) == [charlie]
    assert list(Image.objects.all()) == [kept]
    assert files() == before
    assert list(Generation.objects.all()) == hers
    assert set(LedgerEntry.objects.values_list("user", flat=True)) == {charlie.pk}
    assert not UserSession.objects.exists()
    assert not Session.objects.filter(session_key__in=[phone.session.session_key or ""]).exists()
    assert phone.get("/").status_code == 302
    assert Client().get("/api/v1/usage", headers={"Authorization": f"Bearer {token}"}).status_code == 401

    # The worker that draws at this moment is told to stop, and what it finishes all the same is not kept.
    assert running[0].pk == rows[0].pk
    assert services.record_step(rows=running, step=1) == [rows[0].pk]
    assert services.finish(row=running[0], store=lambda: make_image(alice)) is False
    assert files() == before
    assert [row.pk for row in services.start(worker="w", most=4)] == [hers[0].pk]


def test_without_a_password_the_name_is_typed(client: Client, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    client.force_login(alice)
    assert "type the name of your account: <b>alice</b>" in client.get(URL).content.decode()
    assert client.post(URL, {"name": "Alice"}).status_code == 422
    assert client.post(URL, {"password": "pw-of-alice"}).status_code == 422
    assert client.post(URL, {"name": "alice"}).status_code == 302
    assert not User.objects.exists()


def test_passwords_cannot_be_guessed_here_without_end(as_alice: Client, alice: User) -> None:
    answers = [as_alice.post(URL, {"password": f"guess {number}"}) for number in range(12)]
    assert "Too many failed login attempts" in answers[-1].content.decode()
    as_alice.post(URL, {"password": "pw-of-alice"})
    assert User.objects.filter(pk=alice.pk).exists()


def test_the_last_superuser_stays(charlie: User) -> None:
    client = signed_in("charlie", "pw-of-charlie")
    User.objects.create_superuser("switched-off", password="pw", is_active=False)
    assert "You are the only administrator left" in client.get(URL).content.decode()
    assert client.post(URL, {"password": "pw-of-charlie"}).status_code == 422
    with pytest.raises(closing.LastSuperuser):
        closing.close(charlie)
    assert User.objects.filter(pk=charlie.pk).exists()
    User.objects.create_superuser("dora", password="pw")
    assert client.post(URL, {"password": "pw-of-charlie"}).status_code == 302
    assert not User.objects.filter(pk=charlie.pk).exists()
