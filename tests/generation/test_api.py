"""The JSON API of the contract, through the real URLs: shapes, errors, and that other people's objects are 404."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generation import services
from generation.models import Failure, Generation, Quota
from zimageweb.models import ApiToken

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]
API = "/api/v1/"
WANTED = {"prompt": "a red fox", "width": 64, "height": 64, "steps": 4}


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(API + path, data=json.dumps(body or {}), content_type="application/json", headers=headers)


def test_asking_answers_201_with_the_rows_and_what_is_left(as_alice: Client) -> None:
    answer = post(as_alice, "generations", WANTED | {"seed": 3, "count": 2, "style": "photo"})
    body = answer.json()
    assert answer.status_code == 201
    assert [row["seed"] for row in body["generations"]] == [3, 4]
    assert {row["batch"] for row in body["generations"]} == {body["batch"]}
    first = body["generations"][0]
    assert set(first) >= {
        "id", "batch", "state", "prompt", "width", "height", "steps", "seed", "position", "eta_seconds", "step",
        "image", "error", "created_at", "started_at", "finished_at", "seq",
    }  # fmt: skip
    assert (first["state"], first["position"], first["image"], first["error"]) == ("queued", 1, None, None)
    assert body["usage"]["day"]["left"] == 198


def test_a_prompt_alone_is_enough(as_alice: Client) -> None:
    (row,) = post(as_alice, "generations", {"prompt": "a red fox"}).json()["generations"]
    assert row["width"] == row["height"] == 1024
    assert row["steps"] == 8


def test_a_bearer_token_needs_no_cookie_and_no_csrf(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    header = {"Authorization": f"Bearer {ApiToken.issue(alice)}"}
    assert post(client, "generations", WANTED, **header).status_code == 201
    assert post(client, "generations", WANTED, Authorization="Bearer nonsense").status_code == 401
    answer = post(client, "generations", WANTED)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_a_session_without_the_csrf_token_is_refused(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert post(client, "generations", WANTED).status_code == 403
    assert not Generation.objects.exists()


def test_the_token_of_a_closed_account_opens_nothing(alice: User) -> None:
    token = ApiToken.issue(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert post(Client(), "generations", WANTED, Authorization=f"Bearer {token}").status_code == 401


@pytest.mark.parametrize(
    ("changes", "field", "limit"),
    [
        ({"prompt": ""}, "prompt", 1),
        ({"prompt": "x" * 2_001}, "prompt", 2_000),
        ({"prompt": "a\x00b"}, "prompt", None),
        ({"prompt": "a\ud800"}, "prompt", None),
        ({"prompt": 7}, "prompt", None),
        ({"width": 65}, "width", 16),
        ({"width": "wide"}, "width", None),
        ({"height": 10_000}, "height", 2_048),
        ({"steps": 0}, "steps", 1),
        ({"steps": 1_000}, "steps", 50),
        ({"seed": -1}, "seed", 0),
        ({"seed": 2**70}, "seed", 2**53 - 1),
        ({"count": 0}, "count", 1),
        ({"count": 50}, "count", 10),
        ({"style": "cubist"}, "style", ...),
        ({"steps": 10**400}, "steps", ...),
        ({"steps": True}, "steps", None),
        ({"guidance": 10**400}, "guidance", ...),
    ],
)
def test_bad_fields_are_422_and_name_field_and_limit(
    as_alice: Client, changes: dict[str, Any], field: str, limit: Any
) -> None:
    answer = post(as_alice, "generations", WANTED | changes)
    body = answer.json()
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert (body["status"], body["code"]) == (422, "invalid")
    (error,) = body["errors"]
    assert error["field"] == field
    if limit is not ...:
        assert error.get("limit") == limit
    assert not Generation.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[1, 2]", "null", "\x00", '"prompt"'])
def test_what_is_no_json_object_is_a_clean_refusal(as_alice: Client, body: str) -> None:
    answer = as_alice.post(API + "generations", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["field"] == "body"
    assert "JSON" in error["message"]


def test_a_body_beyond_all_measure_is_413(as_alice: Client) -> None:
    answer = post(as_alice, "generations", WANTED | {"prompt": "x" * 3_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("prompt", ["שלום עולם", "🦊 in ❄️", "一只狐狸", "a\nb"])
def test_any_script_is_taken(as_alice: Client, prompt: str) -> None:
    (row,) = post(as_alice, "generations", WANTED | {"prompt": prompt}).json()["generations"]
    assert as_alice.get(f"{API}generations/{row['id']}").json()["prompt"] == prompt


def test_a_used_up_quota_is_429_and_says_when_it_resets(as_alice: Client, alice: User) -> None:
    Quota.objects.create(user=alice, pictures_per_day=1)
    answer = post(as_alice, "generations", WANTED | {"count": 2})
    body = answer.json()
    assert answer.status_code == 429
    assert (body["code"], body["limit"], body["used"]) == ("quota_exceeded", 1, 0)
    assert body["resets_at"]
    assert int(answer["Retry-After"]) > 0


def test_the_same_key_with_another_request_is_409(as_alice: Client) -> None:
    key = {"Idempotency-Key": "k"}
    first = post(as_alice, "generations", WANTED | {"seed": 1}, **key)
    again = post(as_alice, "generations", WANTED | {"seed": 1}, **key)
    other = post(as_alice, "generations", WANTED | {"seed": 2}, **key)
    assert first.json()["batch"] == again.json()["batch"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_other_peoples_generations_are_404_for_everything(as_alice: Client, bob: User, ask: Ask) -> None:
    (his,) = ask(bob)
    for method, path in (
        ("get", f"generations/{his.pk}"),
        ("post", f"generations/{his.pk}/cancel"),
        ("post", f"generations/{his.pk}/retry"),
        ("post", f"batches/{his.batch_id}/cancel"),
        ("get", f"generations/{10**70}"),
        ("post", f"batches/{uuid4()}/cancel"),
    ):
        answer = getattr(as_alice, method)(API + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    his.refresh_from_db()
    assert his.state == "queued"
    assert as_alice.get(API + "generations").json()["items"] == []


def test_cancel_retry_and_cancel_all(as_alice: Client, alice: User, ask: Ask) -> None:
    first, second, third = ask(alice, 3)
    assert post(as_alice, f"generations/{first.pk}/cancel").json()["state"] == "cancelled"
    assert post(as_alice, f"generations/{first.pk}/cancel").json()["state"] == "cancelled"
    again = post(as_alice, f"generations/{first.pk}/retry")
    assert again.status_code == 201
    assert again.json()["generations"][0]["retry_of"] == first.pk
    assert (post(as_alice, f"generations/{second.pk}/retry").status_code) == 409
    assert post(as_alice, f"batches/{second.batch_id}/cancel").json() == {"cancelled": 3}
    assert post(as_alice, "generations/cancel").json() == {"cancelled": 0}
    assert third.pk in [row["id"] for row in as_alice.get(API + "generations?state=cancelled").json()["items"]]


def test_a_failure_is_told_in_the_persons_language(as_alice: Client, alice: User, ask: Ask) -> None:
    (row,) = ask(alice)
    (running,) = services.start(worker="w", most=1)
    services.fail(row=running, failure=Failure.OUT_OF_MEMORY)
    body = as_alice.get(f"{API}generations/{row.pk}").json()
    assert body["error_code"] == "out_of_memory"
    assert "memory" in body["error"]


def test_the_list_pages_through_everything_once(as_alice: Client, alice: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, queued_at_once=1_000, pictures_per_day=1_000)
    asked = [row.pk for _ in range(12) for row in ask(alice, 10)]
    seen: list[int] = []
    cursor = ""
    while True:
        page = as_alice.get(f"{API}generations{cursor}").json()
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"?cursor={page['next']}"
    assert seen == sorted(asked, reverse=True)


@pytest.mark.parametrize("query", ["cursor=abc", "cursor=-1", f"cursor={'9' * 30}", "state=dreaming", "cursor=%00"])
def test_a_bad_cursor_or_state_is_422(as_alice: Client, query: str) -> None:
    answer = as_alice.get(f"{API}generations?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_the_queue_shows_other_people_only_as_shapes(
    as_alice: Client, alice: User, bob: User, charlie: User, ask: Ask
) -> None:
    (hers,), (his,) = ask(alice), ask(bob, prompt="a secret")
    answer = as_alice.get(API + "queue")
    assert "secret" not in answer.content.decode()
    assert "bob" not in answer.content.decode()
    entries = answer.json()["entries"]
    assert [(entry["mine"], entry["generation"]) for entry in entries] == [(True, hers.pk), (False, None)]
    client = Client()
    client.force_login(charlie)
    assert [entry["user"] for entry in client.get(API + "queue").json()["entries"]] == ["alice", "bob"]
    assert his.pk


def test_usage_models_and_the_schema(as_alice: Client) -> None:
    assert as_alice.get(API + "usage").json()["queued"] == {"limit": 40, "used": 0, "left": 40}
    models = as_alice.get(API + "models").json()
    assert models["models"][0]["size_step"] == 16
    assert len(models["models"][0]["shapes"]) == 6
    schema = as_alice.get(API + "openapi.json").json()
    assert "/api/v1/generations" in schema["paths"]
    assert as_alice.get(API + "docs").status_code == 200


def test_nothing_is_open_to_strangers(db: None) -> None:
    for path in ("generations", "usage", "queue", "models", "images"):
        assert Client().get(API + path).status_code == 401, path
    for page in ("/", "/queue/", "/gallery/"):
        assert Client().get(page).status_code == 302, page
