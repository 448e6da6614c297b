"""Planned work, as a person sees it begin and end: nothing to reload, no picture lost."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_main_job import ask
from tests.site.running import Site, manage, until


@pytest.fixture
def switch(running_site: Site) -> Iterator[Callable[..., None]]:
    def switch(*words: str) -> None:
        done = manage("maintenance", *words, data_dir=running_site.data_dir)
        assert done.returncode == 0, done.stderr

    yield switch
    switch("off")


def drawn(site: Site, name: str) -> int:
    """How many pictures this person has, seen from the site's own side."""
    query = "SELECT count(*) FROM gallery_image AS i JOIN auth_user AS u ON u.id = i.owner_id WHERE u.username = ?"
    with closing(sqlite3.connect(f"file:{site.data_dir / 'db.sqlite3'}?mode=ro", uri=True)) as connection:
        return int(connection.execute(query, (name,)).fetchone()[0])


@pytest.mark.console_ok("503")
def test_pages_say_so_and_come_back_by_themselves(
    signed_in: Page,
    watch: Callable[[Page], Page],
    running_site: Site,
    member: tuple[str, str],
    switch: Callable[..., None],
) -> None:
    ask(signed_in, "A lighthouse in fog", count=2, steps=50)
    expect(signed_in.locator(".tile--live .pill")).to_have_text(re.compile(r"\d+ / 50"))
    switch("on", "--message", "New disks.")
    banner = signed_in.locator("[data-note=closed]")
    expect(banner).to_contain_text("this page comes back by itself. New disks.")

    # Who asks meanwhile reads why not, and keeps what was typed.
    signed_in.get_by_label("Describe your picture").fill("The sea at night")
    signed_in.get_by_role("button", name=re.compile("^Generate")).click()
    expect(signed_in.locator("[data-problem-text]")).to_contain_text("Planned work is going on.")
    late = watch(signed_in.context.new_page())
    late.goto("/gallery/")
    expect(late.get_by_role("heading")).to_have_text("We are working on the site")

    until(lambda: drawn(running_site, member[0]) == 2, seconds=60, what="both pictures, drawn behind the closed doors")
    expect(banner).to_be_visible()
    switch("off")
    expect(banner).to_be_hidden(timeout=20_000)
    expect(signed_in.locator(".job .tile a img")).to_have_count(2)
    expect(signed_in.get_by_label("Describe your picture")).to_have_value("The sea at night")
    expect(late.locator(".cell")).to_have_count(2, timeout=20_000)
