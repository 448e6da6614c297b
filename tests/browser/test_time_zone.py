"""Whoever lives on another clock than the server's sees days and hours of their own, on every page the same."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.site.shell import Shell

MAKE = """
import datetime as dt
from django.contrib.auth.models import User
from tests.factories import make_image
image = make_image(User.objects.get(username={name!r}), width=8, height=8, prompt="a fox", favourite=True)
image.created_at = dt.datetime(2026, 3, 10, 20, tzinfo=dt.UTC)
image.save(update_fields=["created_at"])
"""


@pytest.mark.browser_context_args(timezone_id="Asia/Shanghai")
def test_pages_show_the_readers_time(page: Page, shell: Shell, member: tuple[str, str]) -> None:
    shell(MAKE.format(name=member[0]))
    sign_in(page, member)
    page.goto("/gallery/")
    expect(page.get_by_role("heading", level=2)).to_have_accessible_name("March 11, 2026 1 picture")
    page.locator(".cell > a").click()
    expect(page.locator(".facts")).to_contain_text("March 11, 2026, 04:00")
    page.goto("/accounts/")
    expect(page.get_by_text("Counted anew from 08:00 on.")).to_be_visible()
