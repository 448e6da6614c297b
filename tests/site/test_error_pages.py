"""What people and programs read when something is wrong."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client, RequestFactory

from zimageweb import views

BROKEN_HOST = {"Host": "evil.example"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/nothing-here/", {}, 404), ("/accounts/login/", BROKEN_HOST, 400)],
)
def test_people_get_a_page(client: Client, path: str, headers: dict[str, str], status: int) -> None:
    answer = client.get(path, headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"{status}.html" in [used.name for used in answer.templates]


@pytest.mark.django_db
def test_programs_get_a_problem_document(client: Client) -> None:
    answer = client.get("/api/v1/nothing-here")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


def test_a_forbidden_page_is_a_page_and_a_problem_for_programs(rf: RequestFactory) -> None:
    def answer(path: str) -> HttpResponse:
        return views.permission_denied(rf.get(path), PermissionDenied())

    assert answer("/queue/").status_code == answer("/api/v1/queue").status_code == 403
    assert answer("/api/v1/queue")["Content-Type"] == "application/problem+json"


def test_the_page_for_a_server_error_needs_no_database(rf: RequestFactory) -> None:
    # Without the `django_db` mark every query raises.
    answer = views.server_error(rf.get("/gallery/"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert b"</html>" in answer.content
    assert views.server_error(rf.get("/api/v1/images"))["Content-Type"] == "application/problem+json"
