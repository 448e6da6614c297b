"""What the buttons of the feed do to a batch: one picture given up, a failure tried again, the same once more."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

from playwright.sync_api import Page, Response, expect

from tests.browser.conftest import sign_in
from tests.browser.test_main_job import ask
from tests.site.running import Site, until
from tests.site.shell import Shell

OLDER = 30  # batches: three pages
MAKE = """
import datetime as dt
from django.contrib.auth.models import User
from django.utils import timezone
from generation.models import Batch, Generation
owner, now = User.objects.get(username={name!r}), timezone.now()
size = dict(width=64, height=64, steps=1, cost=1, start_tag=0, finish_tag=0)
for number in reversed(range({older})):
    batch = Batch.objects.create(user=owner, created_at=now - dt.timedelta(minutes=number))
    Generation.objects.create(
        batch=batch, user=owner, state="cancelled", prompt=f"fox {{number}}", seed=number, finished_at=now, **size
    )
"""
AHEAD = "const now = Date.now; Date.now = () => now() + 60_000;"


def states(page: Page) -> list[str]:
    """Of the person's generations, as the server has them."""
    rows: list[dict[str, Any]] = page.request.get("/api/v1/generations").json()["items"]
    return sorted(row["state"] for row in rows)


def test_one_picture_of_a_batch_is_cancelled_alone(signed_in: Page) -> None:
    page = signed_in
    ask(page, "Deep sea, one red lantern", count=4, steps=50)
    live = page.locator(".tile--live").first
    expect(live).to_be_visible()
    expect(page.locator(".tile")).to_have_count(4)
    page.locator(".tile--wait").last.get_by_role("button", name="Cancel this picture").click()
    expect(page.locator(".tile")).to_have_count(3)
    live.get_by_role("button", name="Cancel this picture").click()
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.locator(".job .tile a img")).to_have_count(2, timeout=60_000)
    assert states(page) == ["cancelled", "cancelled", "succeeded", "succeeded"]


def test_it_is_told_for_how_long_a_picture_has_been_drawn(page: Page, member: tuple[str, str]) -> None:
    # A page that was opened a minute after the start, as far as its clock can tell.
    page.add_init_script(AHEAD)
    sign_in(page, member)
    ask(page, "A lighthouse in fog", count=1, steps=50)
    detail = page.locator(".job [data-part=detail]")
    expect(detail).to_have_text(re.compile(r"^Step \d+ of 50 · [67]\d s so far"))
    page.get_by_role("button", name="Cancel", exact=True).click()


def test_what_failed_is_tried_again_with_one_click(page: Page, member: tuple[str, str], running_site: Site) -> None:
    with closing(sqlite3.connect(f"file:{running_site.data_dir / 'db.sqlite3'}?mode=ro", uri=True)) as connection:
        (pk,) = connection.execute("SELECT id FROM auth_user WHERE username = ?", (member[0],)).fetchone()
    in_the_way = running_site.data_dir / "media" / "images" / str(pk)
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("in the way of the folder of this person's pictures")
    sign_in(page, member)
    ask(page, "A paper boat", count=1)
    failure = page.get_by_text("This one could not be finished.")
    expect(failure).to_be_visible(timeout=60_000)
    in_the_way.unlink()
    page.locator(".job").get_by_role("button", name="Try again").click()
    expect(page.locator(".job .tile a img")).to_have_count(1, timeout=60_000)
    expect(failure).to_be_hidden()


def test_the_same_again_has_new_seeds(signed_in: Page) -> None:
    page = signed_in
    ask(page, "A paper boat", count=1)
    expect(page.locator(".job .tile a img")).to_have_count(1, timeout=60_000)
    page.get_by_role("button", name="Again, with new seeds").click()
    expect(page.locator(".job .tile a img")).to_have_count(2, timeout=60_000)
    first, second = page.request.get("/api/v1/generations").json()["items"]
    assert first["prompt"] == second["prompt"] == "A paper boat"
    assert first["seed"] != second["seed"]


def test_older_batches_follow(page: Page, member: tuple[str, str], shell: Shell) -> None:
    shell(MAKE.format(name=member[0], older=OLDER))
    sign_in(page, member)
    batches = page.locator("#jobs [data-batch]")
    expect(batches.first).to_contain_text("fox 0")

    def reach_the_end() -> bool:
        page.mouse.move(1000, 500)
        page.mouse.wheel(0, 4_000)
        return batches.count() == OLDER

    until(reach_the_end, what="all pages")
    expect(batches.last).to_contain_text(f"fox {OLDER - 1}")
    expect(page.get_by_role("button", name="Show older")).to_be_hidden()


def test_a_key_that_is_held_asks_once(signed_in: Page) -> None:
    page, prompt = signed_in, signed_in.get_by_label("Describe your picture")
    page.get_by_role("radio", name="1", exact=True).check()
    asked: list[str] = []

    def note(response: Response) -> None:
        if response.request.method == "POST" and response.url.endswith("/api/v1/generations"):
            asked.append(response.request.post_data_json["prompt"])

    page.on("response", note)
    prompt.fill("one")
    page.keyboard.down("Control")
    with page.expect_response("**/api/v1/generations"):
        page.keyboard.down("Enter")
    prompt.fill("two")
    page.keyboard.down("Enter")  # as keyboards repeat it
    page.keyboard.up("Enter")
    prompt.fill("three")
    with page.expect_response("**/api/v1/generations"):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.keyboard.up("Control")
    assert asked == ["one", "three"]
