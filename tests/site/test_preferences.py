"""What a person prefers holds on every device: the language before cookie and browser, and the shortcuts' switch."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from zimageweb.asgi import application
from zimageweb.models import Preferences
from zimageweb.sockets import PreferredLanguage

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.django_db
class TestLanguage:
    def test_choice_goes_before_cookie_and_cookie_before_browser(self, as_alice: Client, alice: User) -> None:
        assert as_alice.get("/accounts/", headers=CHINESE).context["LANGUAGE_CODE"] == "zh-hans"
        as_alice.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
        assert as_alice.get("/accounts/", headers=CHINESE).context["LANGUAGE_CODE"] == "en"
        Preferences.set(alice, language="zh-hans")
        answer = as_alice.get("/accounts/", headers={"Accept-Language": "en"})
        assert answer.context["LANGUAGE_CODE"] == answer["Content-Language"] == "zh-hans"
        assert '<html lang="zh-hans"' in answer.content.decode()

    def test_what_is_chosen_here_holds_on_another_device(self, as_alice: Client, alice: User) -> None:
        as_alice.post("/i18n/setlang/", {"language": "zh-hans", "next": "/accounts/"})
        phone = Client()
        phone.force_login(alice)
        assert phone.get("/queue/").context["LANGUAGE_CODE"] == "zh-hans"
        refusal = phone.get("/api/v1/generations?cursor=x").json()
        assert not refusal["detail"].isascii()
        assert Client().get("/accounts/login/").context["LANGUAGE_CODE"] == "en"

    def test_a_stranger_gets_a_cookie_only(self, client: Client) -> None:
        client.post("/i18n/setlang/", {"language": "zh-hans"})
        assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
        assert not Preferences.objects.exists()

    def test_nonsense_is_not_remembered(self, as_alice: Client, alice: User) -> None:
        as_alice.post("/i18n/setlang/", {"language": "xx"})
        assert not Preferences.objects.exists()
        Preferences.objects.create(user=alice, language="xx")  # a language that is no longer offered
        assert as_alice.get("/accounts/").context["LANGUAGE_CODE"] == "en"


@pytest.mark.django_db(transaction=True)
async def test_a_socket_speaks_the_chosen_language_too(client: Client, alice: User) -> None:
    await sync_to_async(client.force_login)(alice)
    await sync_to_async(Preferences.set)(alice, language="zh-hans")
    heard = []

    async def listen(scope: dict[str, object], receive: object, send: object) -> None:
        heard.append(scope.get("language"))

    await PreferredLanguage(listen)({"type": "websocket", "user": alice}, None, None)
    assert heard == ["zh-hans"]
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}".encode()
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost"), (b"cookie", cookie)]
    socket = WebsocketCommunicator(application, "/ws/generations/", headers=headers)
    assert (await socket.connect(timeout=10))[0]
    assert (await socket.receive_json_from(timeout=10))["type"] == "snapshot"
    await socket.disconnect(timeout=10)


@pytest.mark.django_db
class TestKeys:
    def test_they_are_on_until_switched_off_and_the_page_says_so(self, as_alice: Client, alice: User) -> None:
        assert 'data-keys="on"' in as_alice.get("/accounts/").content.decode()
        answer = as_alice.post("/accounts/keys/", {"keys": "off"}, headers={"Accept": "*/*"})
        assert answer.status_code == 204
        phone = Client()
        phone.force_login(alice)
        assert 'data-keys="off"' in phone.get("/gallery/").content.decode()

    def test_a_form_comes_back_to_its_page_and_leaves_the_language(self, as_alice: Client, alice: User) -> None:
        Preferences.set(alice, language="zh-hans")
        sent = {"keys": "off", "next": "/accounts/"}
        assert as_alice.post("/accounts/keys/", sent, headers={"Accept": "text/html"})["Location"] == "/accounts/"
        found = Preferences.of(alice)
        assert (found.language, found.single_keys) == ("zh-hans", False)

    def test_nonsense_and_strangers_are_refused(self, as_alice: Client) -> None:
        assert as_alice.post("/accounts/keys/", {"keys": "perhaps"}).status_code == 400
        assert Client().post("/accounts/keys/", {"keys": "off"})["Location"].startswith("/accounts/login/")
