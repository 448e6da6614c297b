"""What staff do with accounts, tokens and invitations in the admin."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from generation.models import Quota
from zimageweb.models import ApiToken, Invitation

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client, charlie: User) -> Client:
    client.force_login(charlie)
    return client


@pytest.mark.parametrize("model", ["auth/user", "auth/group", "zimageweb/apitoken", "zimageweb/invitation"])
@pytest.mark.parametrize("action", ["", "add/"])
def test_every_page_opens(admin: Client, model: str, action: str) -> None:
    assert admin.get(f"/admin/{model}/{action}").status_code == 200


def test_a_new_token_is_shown_once(admin: Client, alice: User) -> None:
    answer = admin.post("/admin/zimageweb/apitoken/add/", {"user": alice.pk, "name": "render farm"}, follow=True)
    found = re.search(r"The token of alice is ([\w-]{40,})\.", answer.content.decode())
    assert found
    assert ApiToken.user_for(found[1]) == alice
    assert found[1] not in admin.get("/admin/zimageweb/apitoken/").content.decode()


def test_staff_who_are_no_superusers_cannot_make_tokens_for_others(client: Client, alice: User) -> None:
    # They could act as a superuser with it.
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.filter(content_type__model="apitoken"))
    client.force_login(alice)
    assert client.get("/admin/zimageweb/apitoken/").status_code == 200
    assert client.get("/admin/zimageweb/apitoken/add/").status_code == 403


def test_an_invitation_shows_its_link_until_it_is_used(admin: Client, alice: User) -> None:
    admin.post(
        "/admin/zimageweb/invitation/add/", {"note": "for Dora", "expires_at_0": "2999-01-01", "expires_at_1": "0:00"}
    )
    invitation = Invitation.objects.get()
    page = f"/admin/zimageweb/invitation/{invitation.pk}/change/"
    assert invitation.code in admin.get(page).content.decode()
    Invitation.objects.update(used_by=alice)
    assert invitation.code not in admin.get(page).content.decode()


def test_quotas_are_edited_with_the_person_and_with_the_group(admin: Client, alice: User) -> None:
    def send(page: str, **form: str) -> None:
        prefix = {"quota-TOTAL_FORMS": "1", "quota-INITIAL_FORMS": "0", "quota-0-pictures_per_day": "7"}
        answer = admin.post(page, prefix | form)
        assert answer.status_code == 302, answer.context["errors"]

    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "0:00"}
    send(f"/admin/auth/user/{alice.pk}/change/", username="alice", is_active="on", **joined)
    send("/admin/auth/group/add/", name="painters")
    assert Quota.objects.get(user=alice).pictures_per_day == 7
    assert Quota.objects.get(group=Group.objects.get(name="painters")).pictures_per_day == 7
