"""Planned work: people and programs are told, staff and probes get in, and it begins and ends without a restart."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from zimageweb import maintenance
from zimageweb.asgi import application
from zimageweb.closed_sockets import CLOSED
from zimageweb.models import ApiToken, Preferences


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def command(*words: str) -> str:
    out = StringIO()
    call_command("maintenance", *words, stdout=out)
    return out.getvalue().strip()


# -- over HTTP --------------------------------------------------------------------------------------------------------


def test_people_get_a_calm_page_that_needs_no_database(client: Client) -> None:
    """Without the `django_db` mark every query raises."""
    until = timezone.now() + dt.timedelta(minutes=30)
    maintenance.begin(message="New <disks>.", until=until)
    for path in ("/", "/gallery/", "/queue/", "/accounts/signup/", "/nothing-here/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert 1795 <= int(answer["Retry-After"]) <= 1800
        assert answer["Cache-Control"] == "no-store"
        page = answer.content.decode()
        assert "We are working on the site" in page
        assert "New &lt;disks&gt;." in page
        assert "It should be over at" in page


@pytest.mark.parametrize("written", ["2099-03-10T20:15:00+00:00", "2099-03-10T20:15:00"])
def test_people_read_its_end_by_their_own_clock(client: Client, folder: Path, written: str) -> None:
    (folder / "maintenance.json").write_text(json.dumps({"until": written}))
    client.cookies["timezone"] = "Asia/Shanghai"
    assert "March 11, 2099, 4:15 a.m." in client.get("/").content.decode()
    del client.cookies["timezone"]
    assert "March 10, 2099, 8:15 p.m." in client.get("/").content.decode()


def test_people_read_it_in_their_language(client: Client, alice: User) -> None:
    maintenance.begin()
    assert "我们正在维护本站" in client.get("/", headers={"Accept-Language": "zh-CN"}).content.decode()
    Preferences.set(alice, language="zh-hans")
    client.force_login(alice)
    answer = client.get("/", headers={"Accept-Language": "en"})
    assert "我们正在维护本站" in answer.content.decode()
    assert (answer["Content-Language"], answer["Retry-After"]) == ("zh-hans", "120")


def test_programs_get_a_problem_document(client: Client) -> None:
    until = timezone.now() + dt.timedelta(hours=1)
    maintenance.begin(message="New disks.", until=until)
    for path in ("/api/v1/generations", "/v1/images/generations", "/api/predict/"):
        answer = client.post(path, {}, "application/json")
        assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
        told = answer.json()
        assert (told["code"], told["until"]) == ("maintenance", until.isoformat())
        assert told["detail"].endswith("try again later. New disks.")
        assert int(answer["Retry-After"]) > 3500


def test_probes_and_the_way_in_for_staff_are_open(client: Client, db: None) -> None:
    maintenance.begin()
    assert client.get("/health/live").status_code == client.get("/health/workers").status_code == 200
    assert client.get("/accounts/login/").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_staff_go_on_as_ever(client: Client, alice: User, charlie: User) -> None:
    maintenance.begin()
    client.force_login(charlie)
    assert client.get("/").status_code == client.get("/admin/").status_code == 200
    for person, status in ((alice, 503), (charlie, 200)):
        token = {"Authorization": f"Bearer {ApiToken.issue(person, '')}"}
        assert Client().get("/api/v1/usage", headers=token).status_code == status
    assert Client().get("/api/v1/usage", headers={"Authorization": "Bearer wrong"}).status_code == 503


def test_nobody_waits_for_a_database_that_is_worked_on(client: Client, alice: User) -> None:
    client.force_login(alice)
    maintenance.begin()

    def is_away(*_: Any) -> None:
        raise OperationalError("the server is away")

    with connection.execute_wrapper(is_away):
        assert client.get("/").status_code == client.get("/api/v1/usage").status_code == 503


def test_open_doors_cost_no_query(
    client: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(alice)
    with django_assert_num_queries(3):  # session, person, preferences
        client.get("/i18n/script.js")


# -- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"since": 7, "until": "soon", "message": null}'])
def test_whatever_the_file_holds_it_is_there(folder: Path, content: str) -> None:
    """An operator may only have touched it."""
    (folder / "maintenance.json").write_text(content)
    work = maintenance.current()
    assert work
    assert (work.message, work.until, work.retry_after) == ("", None, 120)
    (folder / "maintenance.json").unlink()
    assert maintenance.current() is None


def test_what_is_said_may_change_meanwhile(folder: Path) -> None:
    first = maintenance.begin(message="Soon.")
    assert maintenance.current() == first
    second = maintenance.begin(message="A little longer.", until=timezone.now() - dt.timedelta(seconds=1))
    assert maintenance.current() == second
    assert (second.since, second.retry_after) == (first.since, 120)
    assert [file.name for file in folder.iterdir()] == ["maintenance.json"]


# -- the command ------------------------------------------------------------------------------------------------------


def test_it_is_switched_on_and_off_by_a_command(client: Client, db: None) -> None:
    assert command("status") == "No planned work is going on."
    said = command("on", "--message", "New disks.", "--until", "2999-12-31T22:30")
    assert "end at 2999-12-31 22:30; people read: New disks." in said
    assert client.get("/").status_code == 503
    assert command("status") in said
    assert command("off") == "Planned work is over: people get in."
    assert client.get("/").status_code == 302
    assert command("off") == "No planned work was going on."


def test_a_time_of_day_is_the_next_such() -> None:
    now = timezone.localtime()
    command("on", "--until", f"{now - dt.timedelta(minutes=2):%H:%M}")
    work = maintenance.current()
    assert work and work.until
    assert dt.timedelta(hours=23) < work.until - now < dt.timedelta(hours=24)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("on", "--until", "soon"), "--until: 'soon' is no time. Write 22:30 or 2026-11-24T22:30."),
        (("on", "--until", "2001-01-01T10:00"), "--until: 2001-01-01T10:00 is past."),
        (("on", "--message", "x" * 301), "--message has 301 characters; the limit is 300."),
        (("off", "--message", "x"), "--message and --until belong to `maintenance on`, not to `off`."),
    ],
)
def test_nonsense_is_refused_and_closes_nothing(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        command(*words)
    assert str(refused.value) == message
    assert maintenance.current() is None


# -- live connections -------------------------------------------------------------------------------------------------


async def connected(person: User) -> WebsocketCommunicator:
    token = await sync_to_async(ApiToken.issue)(person, "")
    headers = [
        (b"origin", b"http://localhost"),
        (b"host", b"localhost"),
        (b"authorization", f"Bearer {token}".encode()),
    ]
    socket = WebsocketCommunicator(application, "/ws/generations/", headers=headers)
    accepted, _ = await socket.connect(timeout=10)
    assert accepted
    return socket


async def closing(socket: WebsocketCommunicator) -> tuple[Any, int]:
    """The last message, and the code with which it is closed."""
    last = None
    async with asyncio.timeout(10):
        while (message := await socket.receive_output(timeout=10))["type"] != "websocket.close":
            last = json.loads(message["text"])
    return last, message["code"]


@pytest.mark.django_db(transaction=True)
async def test_connections_are_closed_with_a_code_and_why(alice: User, charlie: User) -> None:
    hers, staffs = await connected(alice), await connected(charlie)
    assert json.loads((await hers.receive_output(timeout=10))["text"])["type"] == "snapshot"
    maintenance.begin(message="换硬盘。")
    told = {"type": "maintenance", "message": "换硬盘。"}
    assert await closing(hers) == (told, CLOSED)
    again = await connected(alice)
    assert await closing(again) == (told, CLOSED)
    heard = [json.loads((await staffs.receive_output(timeout=10))["text"])["type"] for _ in range(2)]
    assert heard == ["snapshot", "queue"], "staff stay"
    maintenance.end()
    back = await connected(alice)
    assert json.loads((await back.receive_output(timeout=10))["text"])["type"] == "snapshot"
    for socket in (staffs, back):
        await socket.disconnect(timeout=10)
