"""What staff can do to other people's generations, and what they cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from generation import services
from generation.models import Failure, Generation, Quota, State

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]
LIST = "/admin/generation/generation/"


@pytest.fixture
def office(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


def act(client: Client, action: str, rows: list[Generation]) -> str:
    fields = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, fields, follow=True).content.decode()


def test_staff_cancel_other_peoples_pictures_and_it_is_recorded(office: Client, alice: User, ask: Ask) -> None:
    rows = ask(alice, 2)
    assert "2 generations cancelled." in act(office, "cancel_selected", rows)
    assert set(Generation.objects.values_list("state", flat=True)) == {State.CANCELLED}
    assert LogEntry.objects.filter(change_message="cancelled").count() == 2


def test_staff_retry_on_the_owners_quota(office: Client, alice: User, ask: Ask) -> None:
    rows = ask(alice, 2)
    for row in services.start(worker="w", most=2):
        services.fail(row=row, failure=Failure.ENGINE)
    Quota.objects.create(user=alice, pictures_per_day=1)
    page = act(office, "retry_selected", rows)
    assert "1 generation queued." in page
    assert "0 of 1 picture left today" in page
    assert Generation.objects.filter(state=State.QUEUED, user=alice).count() == 1


def test_rows_are_only_looked_at(office: Client, alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    assert office.get(f"{LIST}{row.pk}/change/").status_code == 200
    assert office.post(f"{LIST}{row.pk}/change/", {"prompt": "another"}).status_code == 403
    assert office.get(f"{LIST}add/").status_code == 403
    assert office.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_people_are_edited_with_their_quota(office: Client, alice: User) -> None:
    page = office.get(f"/admin/auth/user/{alice.pk}/change/").content.decode()
    assert "quota-0-pictures_per_day" in page or "quota-TOTAL_FORMS" in page


def test_members_find_no_office(as_alice: Client) -> None:
    for address in ("/admin/", LIST, "/admin/rq/"):
        assert as_alice.get(address).status_code == 302


def test_staff_see_rqs_dashboard(office: Client) -> None:
    answer = office.get("/admin/rq/", follow=True)
    assert answer.status_code == 200
    assert "generation" in answer.content.decode()
