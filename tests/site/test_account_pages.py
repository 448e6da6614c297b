"""Whatever page of the accounts a person reaches, it wears the site's frame and has one heading."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CLASSES = re.compile(r'class="([^"]*)"')


@pytest.fixture(autouse=True)
def nothing_guessed_yet() -> None:
    cache.clear()


@pytest.fixture
def with_second_factor(alice: User) -> User:
    TOTP.activate(alice, SECRET)
    RecoveryCodes.activate(alice)
    EmailAddress.objects.create(user=alice, email="alice@example.org", primary=True, verified=True)
    EmailAddress.objects.create(user=alice, email="second@example.org")
    return alice


def signed_in(alice: User) -> Client:
    """By the forms that a person meets; nothing is asked again after that."""
    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": "pw-of-alice"})
    if client.get("/accounts/").status_code == 302:
        assert_wears_the_frame(client.get("/accounts/2fa/authenticate/"), "the second factor")
        codes = Authenticator.objects.get(user=alice, type=Authenticator.Type.RECOVERY_CODES).wrap()
        answer = client.post("/accounts/2fa/authenticate/", {"code": codes.get_unused_codes()[0]})
        assert answer.status_code == 302
    assert_wears_the_frame(client.get("/accounts/reauthenticate/"), "asked once more")
    assert client.post("/accounts/reauthenticate/", {"password": "pw-of-alice"}).status_code == 302
    return client


def addresses() -> Iterator[str]:
    """Every address below /accounts/ that needs no key."""

    def walk(patterns: list[URLPattern | URLResolver], start: str) -> Iterator[str]:
        for pattern in patterns:
            path = start + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, path)
            elif path.startswith("accounts/") and "<" not in path:
                yield f"/{path}"

    return walk(get_resolver().url_patterns, "")


def assert_wears_the_frame(answer: HttpResponse, address: str) -> None:
    page = answer.content.decode()
    assert '<header class="top' in page, address
    assert "css/account" in page, address
    assert len(re.findall(r"<h1[ >]", page)) == 1, address
    assert " style=" not in page, address
    main = page[page.index("<main") : page.index("</main>")]
    for button in re.findall(r"<(?:button|a) [^>]*(?:type=\"submit\"|role=\"button\")[^>]*>", main):
        assert "btn" in button, (address, button)
    for table in re.findall(r"<table[^>]*>", main):
        assert "plain" in table, (address, table)
    for tag in re.findall(r"<input [^>]*type=\"(?:text|password|email|number)\"[^>]*>", main):
        assert 'class="form' in main or "input" in tag, (address, tag)


@pytest.mark.parametrize("who", ["stranger", "member", "member with a second factor"])
def test_no_page_is_bare(who: str, alice: User, request: pytest.FixtureRequest, client: Client) -> None:
    if who == "member with a second factor":
        request.getfixturevalue("with_second_factor")
    if who != "stranger":
        client = signed_in(alice)
    seen = set()
    for address in sorted(set(addresses())):
        answer = client.get(address, follow=True)
        here = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        if answer.status_code == 405 or "text/html" not in answer["Content-Type"] or here == "/":
            continue  # takes forms only, hands out a file, or leads on to the create page
        assert_wears_the_frame(answer, address)
        seen.add(here.partition("?")[0])
    expected = {
        "stranger": {"/accounts/login/", "/accounts/password/reset/", "/accounts/signup/", "/accounts/inactive/"},
        "member": {"/accounts/", "/accounts/delete/", "/accounts/email/", "/accounts/2fa/totp/activate/"},
    }.get(who, {"/accounts/sessions/", "/accounts/2fa/totp/deactivate/", "/accounts/2fa/recovery-codes/generate/"})
    assert expected <= seen


@pytest.mark.parametrize("address", ["/accounts/password/reset/key/1-wrong/", "/accounts/confirm-email/wrong/"])
def test_a_link_that_no_longer_works_is_a_page_too(address: str, client: Client) -> None:
    assert_wears_the_frame(client.get(address, follow=True), address)


def test_a_link_from_a_mail_leads_to_pages_in_the_frame(alice: User, mailoutbox: list[EmailMessage]) -> None:
    alice.email = "alice@example.org"
    alice.save()
    client = Client()
    assert_wears_the_frame(client.post("/accounts/password/reset/", {"email": alice.email}, follow=True), "sent")
    (link,) = re.findall(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(mailoutbox[0].body))
    form = client.get(link, follow=True)
    assert_wears_the_frame(form, link)
    new = {"password1": "a-new-pw-of-alice-1", "password2": "a-new-pw-of-alice-1"}
    done = client.post(form.redirect_chain[-1][0], new, follow=True)
    assert_wears_the_frame(done, "done")
    assert client.login(username="alice", password=new["password1"])
