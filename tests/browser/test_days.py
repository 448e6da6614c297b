"""The number beside a day of the gallery holds for all of its pages, and follows what is deleted and taken back."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.site.shell import Shell

MAKE = """
import datetime as dt
from django.contrib.auth.models import User
from django.utils import timezone
from gallery.models import Image
from tests.factories import make_image
owner = User.objects.get(username={name!r})
made = [make_image(owner, width=8, height=8, prompt=f"fox {{number}}").pk for number in range(62)]
noon = timezone.localtime().replace(hour=12, minute=0) - dt.timedelta(days=1)
Image.objects.filter(pk__in=made).update(created_at=noon)
"""


def test_a_day_of_two_pages_keeps_its_number(page: Page, shell: Shell, member: tuple[str, str]) -> None:
    shell(MAKE.format(name=member[0]))
    sign_in(page, member)
    page.goto("/gallery/")
    day = page.get_by_role("heading", level=2)
    expect(day).to_have_accessible_name("Yesterday 62 pictures")
    page.keyboard.press("End")
    expect(page.locator(".cell")).to_have_count(62)
    expect(day).to_have_accessible_name("Yesterday 62 pictures")

    for cell in (0, 61):
        page.locator(".cell [name=ids]").nth(cell).check(force=True)
    page.keyboard.press("Delete")
    expect(day).to_have_accessible_name("Yesterday 60 pictures")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".cell")).to_have_count(62)
    expect(day).to_have_accessible_name("Yesterday 62 pictures")
