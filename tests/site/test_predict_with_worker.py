"""`POST /api/predict/` over a real network: Daphne, a worker with the starter model, and a client that goes away."""

from __future__ import annotations

import base64
import io
import json
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
import pytest

from tests.site.running import Site, manage, site, until

ADMIN = ("admin", "pw-of-the-admin-1")


@pytest.fixture(scope="module")
def drawing(earlier_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    name, password = ADMIN
    given = {
        "DJANGO_SUPERUSER_USERNAME": name,
        "DJANGO_SUPERUSER_PASSWORD": password,
        "READY_NEEDS_WORKER": "on",
        "ZIMAGE_DEVICE": "cpu",
        "ZIMAGE_THREADS": "1",
        "ZIMAGE_MAX_BATCH": "1",
    }
    folder = Path(shutil.copytree(earlier_run, tmp_path_factory.mktemp("predict") / "data"))
    with site(folder, **given) as running:
        until(running.is_ready, seconds=90, what="the worker is ready")
        yield running


@pytest.fixture(scope="module")
def token(drawing: Site) -> str:
    return manage("create_api_token", "admin", data_dir=drawing.data_dir).stdout.split()[1]


def _rows(running: Site, token: str) -> list[dict[str, Any]]:
    address = f"http://localhost:{running.port}/api/v1/generations"
    answer = httpx.get(address, headers={"Authorization": f"Bearer {token}"})
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


def _predict(running: Site, *data: Any) -> httpx.Response:
    address = f"http://localhost:{running.port}/api/predict/"
    return httpx.post(address, json={"data": data}, auth=ADMIN, timeout=60)


def _picture(answer: httpx.Response) -> PIL.Image.Image:
    (url,) = answer.raise_for_status().json()["data"]
    return PIL.Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def _send(running: Site, token: str, *data: Any) -> socket.socket:
    """A call whose answer nobody reads yet."""
    body = json.dumps({"data": data}).encode()
    head = (
        f"POST /api/predict/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", running.port))
    connection.sendall(head.encode() + body)
    return connection


def test_a_program_gets_its_picture(drawing: Site) -> None:
    picture = _picture(_predict(drawing, "violet dusk over still water", 160, 128, 2, 0))
    assert (picture.format, picture.size) == ("PNG", (160, 128))
    assert picture.text["parameters"].startswith("violet dusk")  # type: ignore[attr-defined]


def test_several_wait_at_once_and_each_gets_its_own(drawing: Site) -> None:
    sides = range(128, 288, 32)
    with ThreadPoolExecutor(5) as programs:
        answers = list(programs.map(lambda side: _predict(drawing, "a red fox", side, 128, 1), sides))
    assert [_picture(answer).size[0] for answer in answers] == list(sides)


def test_a_client_that_goes_away_takes_its_pictures_along(drawing: Site, token: str) -> None:
    first = _send(drawing, token, "a long one", 384, 384, 50)
    long = until(lambda: next((row for row in _rows(drawing, token) if row["state"] == "running"), None))
    second = _send(drawing, token, "one behind it", 128, 128, 1)
    short = until(lambda: next((row for row in _rows(drawing, token) if row["state"] == "queued"), None))

    def state(row: dict[str, Any]) -> str:
        return next(found["state"] for found in _rows(drawing, token) if found["id"] == row["id"])

    second.close()
    until(lambda: state(short) == "cancelled", seconds=3, what="the queued picture is out of the line")
    assert state(long) == "running"
    began = time.monotonic()
    first.close()
    until(lambda: state(long) == "cancelled", seconds=10, what="the drawing stops within a step")
    assert time.monotonic() - began < 10
    assert _picture(_predict(drawing, "the worker goes on", 128, 128, 1)).size == (128, 128)
    assert "Traceback" not in drawing.output
