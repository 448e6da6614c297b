"""Chromium on a whole running site: `manage.py up` with its own folder, database, Redis and worker.

Every page is watched: a console error, a breach of the Content-Security-Policy or a request that leaves the machine
fails the test, unless it is marked `console_ok`.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.browser.chromium import ARGUMENTS, DESKTOP, MISSING, PHONE, find_chromium
from tests.browser.looking import Watcher, barriers
from tests.engine.lora_making import make_lora
from tests.site.running import Site, site, until
from tests.site.shell import Shell, open_shell

ADMIN = ("admin", "pw-of-the-admin-1")
PASSWORD = "pw-of-a-member-1"
NEWCOMERS = 150
_COOKIES: dict[str, Any] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], playwright: Playwright) -> dict[str, Any]:
    chromium = find_chromium(playwright)
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return {**browser_type_launch_args, "executable_path": chromium, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, **DESKTOP}


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, its worker ready to draw, with two LoRAs."""
    name, password = ADMIN
    account = {"DJANGO_SUPERUSER_USERNAME": name, "DJANGO_SUPERUSER_PASSWORD": password}
    loras, starter = tmp_path_factory.mktemp("loras"), Path(settings.STARTER_MODEL_DIR)
    make_lora(starter, loras / "ink.safetensors", trigger="ink wash, mist")
    make_lora(starter, loras / "styles" / "oil.safetensors", seed=2)
    with site(tmp_path_factory.mktemp("site") / "var", ZIMAGE_LORA_DIR=str(loras), **account) as running:
        until(lambda: running.get("/health/workers")[1]["ready"], seconds=90, what="a worker with a loaded model")
        yield running


@pytest.fixture(scope="session")
def base_url(running_site: Site) -> str:
    return f"http://localhost:{running_site.port}"


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Iterator[Callable[[Page], Page]]:
    """`watch(page)` for pages that a test opens itself; the fixture `page` is watched anyway."""
    watcher = Watcher()
    yield watcher.watch
    wrong = watcher.unexpected(text for mark in request.node.iter_markers("console_ok") for text in mark.args)
    assert not wrong, wrong


@pytest.fixture(autouse=True)
def _watch_page(request: pytest.FixtureRequest, watch: Callable[[Page], Page]) -> None:
    if "page" in request.fixturenames:
        watch(request.getfixturevalue("page"))


@pytest.fixture(scope="session")
def shell(running_site: Site) -> Iterator[Shell]:
    with open_shell(running_site.data_dir) as run:
        yield run


@pytest.fixture(scope="session")
def newcomers(shell: Shell, base_url: str) -> Iterator[tuple[str, str]]:
    """More people than there are tests, made at once, and a session for each: `sign_in` finds it in `_COOKIES`."""
    script = f"""
import json
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client
hashed, sessions = make_password({PASSWORD!r}), {{}}
for name in {[f"member{uuid.uuid4().int % 10**8}" for _ in range(NEWCOMERS)]}:
    client = Client()
    client.force_login(User.objects.create(username=name, password=hashed))
    sessions[name] = client.cookies[settings.SESSION_COOKIE_NAME].value
print(json.dumps(sessions))
"""
    sessions = json.loads(shell(script))
    for name, session in sessions.items():
        _COOKIES[name] = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": base_url, "httpOnly": True}
    return iter([(name, PASSWORD) for name in sessions])


@pytest.fixture
def member(newcomers: Iterator[tuple[str, str]]) -> tuple[str, str]:
    """A person with an account and nothing in it: name and password. Another one where a test is tried again."""
    return next(newcomers)


def sign_in(page: Page, account: tuple[str, str]) -> None:
    """To the create page: the first time with the session made beforehand, later with the form, as people do."""
    if cookie := _COOKIES.pop(account[0], None):
        page.context.add_cookies([cookie])
        page.goto("/")
    else:
        page.goto("/accounts/login/")
        page.get_by_label("Username").or_(page.get_by_label("Login")).first.fill(account[0])
        page.get_by_label("Password", exact=False).first.fill(account[1])
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Describe your picture")).to_be_visible()


@pytest.fixture
def signed_in(page: Page, member: tuple[str, str]) -> Page:
    sign_in(page, member)
    return page


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """`axe(page)` fails with a readable list of what breaks WCAG 2.2 AA."""

    def check(page: Page) -> None:
        found = barriers(page)
        assert not found, f"{page.url}\n" + "\n".join(found)

    return check


@pytest.fixture
def phone(browser: Browser, browser_context_args: dict[str, Any], base_url: str) -> Iterator[BrowserContext]:
    context = browser.new_context(**browser_context_args | PHONE)
    yield context
    context.close()


@pytest.fixture
def narrow(phone: BrowserContext, watch: Callable[[Page], Page]) -> Page:
    """A phone as narrow as they come."""
    page = watch(phone.new_page())
    page.set_viewport_size({"width": 320, "height": 640})
    return page


__all__ = ["ADMIN", "sign_in"]
