"""After a network cut the page is right again within three seconds, without anybody's doing."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.network import Network, network
from tests.browser.test_main_job import ask
from tests.site.running import Site, until

SECONDS = 12.0  # of the cut; long enough for the waiting times between attempts to have grown as far as they do
SOON = 3_000  # milliseconds


@pytest.fixture
def cable(running_site: Site) -> Iterator[Network]:
    with network(running_site.port) as made:
        yield made


@pytest.fixture
def connected(page: Page, cable: Network, member: tuple[str, str]) -> Page:
    """Signed in through the cable, two pictures being asked for."""
    page.goto(f"http://localhost:{cable.port}/accounts/login/")
    page.get_by_label("Login").fill(member[0])
    page.get_by_label("Password", exact=True).fill(member[1])
    page.get_by_role("button", name="Sign in").click()
    ask(page, "A lighthouse in fog", count=2, steps=50)
    expect(page.locator(".tile--live .pill")).to_have_text(re.compile(r"\d+ / 50"))
    return page


def wait_for_the_end(running_site: Site, name: str) -> None:
    """Until the site, seen from its own side, has drawn what this person asked for; and until the cut was long."""
    end = time.monotonic() + SECONDS
    database = running_site.data_dir / "db.sqlite3"
    asked = (
        "SELECT count(*) FROM generation_generation AS g JOIN auth_user AS u ON u.id = g.user_id "
        "WHERE u.username = ? AND g.state IN ('queued', 'running')"
    )

    def is_over() -> bool:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            (left,) = connection.execute(asked, (name,)).fetchone()
        return left == 0 and time.monotonic() > end

    until(is_over, seconds=60, what="both pictures are drawn")


@pytest.mark.console_ok("ERR_", "WebSocket")
@pytest.mark.parametrize("how", ["cut", "freeze"])
def test_it_catches_up_by_itself(
    connected: Page, cable: Network, running_site: Site, member: tuple[str, str], how: str
) -> None:
    getattr(cable, how)()
    wait_for_the_end(running_site, member[0])
    expect(connected.locator(".job .tile a img")).to_have_count(0)
    cable.restore()
    expect(connected.locator(".job .tile a img")).to_have_count(2, timeout=SOON)


@pytest.mark.console_ok("ERR_", "WebSocket")
def test_an_unplugged_device_catches_up_when_it_is_plugged_in(
    connected: Page, running_site: Site, member: tuple[str, str]
) -> None:
    connected.context.set_offline(True)
    wait_for_the_end(running_site, member[0])
    expect(connected.locator(".job .tile a img")).to_have_count(0)
    connected.context.set_offline(False)
    expect(connected.locator(".job .tile a img")).to_have_count(2, timeout=SOON)
