"""The list of browsers in which a person is signed in, and signing out of the others."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from zimageweb import closing
from zimageweb.asgi import application
from zimageweb.sessions import browser_name

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1"


def signed_in(user_agent: str, name: str = "alice") -> Client:
    client = Client(headers={"User-Agent": user_agent})
    assert client.post("/accounts/login/", {"login": name, "password": f"pw-of-{name}"}).status_code == 302
    return client


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox · Linux"),
        (EDGE, "Edge · Windows"),
        (IPHONE, "Safari · iPhone"),
        ("curl/8", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_called_what_people_call_them(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


@pytest.mark.django_db
def test_ones_own_sessions_are_listed_and_the_others_can_be_ended(alice: User, charlie: User) -> None:
    desk, phone, theirs = signed_in(FIREFOX), signed_in(IPHONE), signed_in(EDGE, "charlie")
    page = desk.get("/accounts/sessions/").content.decode()
    assert "Firefox · Linux" in page
    assert "Safari · iPhone" in page
    assert "Edge" not in page
    assert page.count("This browser") == 1
    answer = desk.post("/accounts/sessions/", follow=True).content.decode()
    assert "You are signed out everywhere else." in answer
    assert "iPhone" not in answer
    assert phone.get("/accounts/").status_code == 302
    assert desk.get("/accounts/").status_code == theirs.get("/accounts/").status_code == 200


@pytest.mark.django_db(transaction=True)
async def test_an_ended_session_closes_its_live_page_and_no_other(alice: User) -> None:
    desk, phone = await sync_to_async(signed_in)(FIREFOX), await sync_to_async(signed_in)(IPHONE)
    sockets = []
    for client in (desk, phone):
        cookie = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}".encode()
        headers = [(b"origin", b"http://localhost"), (b"host", b"localhost"), (b"cookie", cookie)]
        sockets.append(WebsocketCommunicator(application, "/ws/generations/", headers=headers))
        await sockets[-1].connect(timeout=10)
        await sockets[-1].receive_json_from(timeout=10)
    await sync_to_async(desk.post)("/accounts/sessions/")
    while (message := await sockets[1].receive_output(timeout=10))["type"] != "websocket.close":
        pass
    assert message["code"] == 4401
    assert (await sockets[0].receive_json_from(timeout=10))["type"] == "queue"  # goes on
    await sockets[0].disconnect(timeout=10)


@pytest.mark.django_db(transaction=True)
async def test_a_closed_account_closes_its_live_pages(alice: User) -> None:
    phone = await sync_to_async(signed_in)(IPHONE)
    cookie = f"{settings.SESSION_COOKIE_NAME}={phone.session.session_key}".encode()
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost"), (b"cookie", cookie)]
    socket = WebsocketCommunicator(application, "/ws/generations/", headers=headers)
    await socket.connect(timeout=10)
    await socket.receive_json_from(timeout=10)
    await sync_to_async(closing.close)(alice)
    while (message := await socket.receive_output(timeout=10))["type"] != "websocket.close":
        pass
    assert message["code"] == 4401
