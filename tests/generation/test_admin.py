"""What staff can do to other people's generations, and what they cannot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from generation import services
from generation.models import Failure, Generation, Quota, State, Worker
from tests.factories import make_image

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


def test_deleting_a_person_deletes_what_they_asked_for_and_kept(office: Client, alice: User, ask: Ask) -> None:
    ask(alice)
    image = make_image(alice)
    path = Path(image.file.path)
    assert path.exists()
    assert office.post(f"/admin/auth/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not Generation.objects.exists()
    assert not path.exists()


def test_the_office_is_entered_through_the_sites_own_door() -> None:
    """Django's own admin login knows no second factor and no limit on guessing."""
    answer = Client().get("/admin/login/?next=/admin/")
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_whoever_lets_people_in_cannot_make_anybody_more_than_they_are(alice: User, charlie: User) -> None:
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client = Client()
    client.force_login(alice)
    page = client.get(f"/admin/auth/user/{alice.pk}/change/").content.decode()
    assert 'name="is_superuser"' not in page
    fields = {"username": "alice", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    quota = {"quota-TOTAL_FORMS": "0", "quota-INITIAL_FORMS": "0"}
    client.post(f"/admin/auth/user/{alice.pk}/change/", fields | joined | quota)
    assert not User.objects.get(pk=alice.pk).is_superuser
    password = {"password1": "taken-over-1", "password2": "taken-over-1"}
    assert client.post(f"/admin/auth/user/{charlie.pk}/password/", password).status_code == 403
    assert User.objects.get(pk=charlie.pk).check_password("pw")


def test_workers_show_where_they_draw_and_how_full_it_is(client: Client, charlie: User) -> None:
    Worker.objects.create(
        name="gpu-box-1",
        card={"name": "Z-Image-Turbo", "device": "NVIDIA H200", "dtype": "bfloat16"},
        device_state={"address": "cuda:1", "used": 21 << 30, "total": 141 << 30},
        last_drawn_at=dt.datetime(2026, 11, 24, 9, 5, tzinfo=dt.UTC),
    )
    Worker.objects.create(name="new")
    client.force_login(charlie)
    page = client.get("/admin/generation/worker/").content.decode()
    for shown in ("NVIDIA H200 bfloat16 cuda:1", "21.0 / 141.0 GiB", "9:05 a.m."):
        assert shown in page
