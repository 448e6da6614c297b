"""What is wrong with a request is said for people: the field, the limit, and a sentence in the reader's language."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db

GENERATIONS, DELETE, ALBUMS = "/api/v1/generations", "/api/v1/images/delete", "/api/v1/albums"


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(User.objects.create_user("alice"))
    return client


def errors(client: Client, path: str, body: Any, language: str = "en") -> list[dict[str, Any]]:
    if body is None:
        answer = client.get(path, headers={"accept-language": language})
    else:
        headers = {"accept-language": language}
        answer = client.post(path, json.dumps(body), content_type="application/json", headers=headers)
    assert answer.status_code == 422
    told = answer.json()
    assert told["detail"] == f"{told['errors'][0]['field']}: {told['errors'][0]['message']}"
    found: list[dict[str, Any]] = told["errors"]
    return found


@pytest.mark.parametrize(
    ("path", "body", "field", "message", "limit"),
    [
        ("/api/v1/images?limit=0", None, "limit", "This must be at least 1.", 1),
        ("/api/v1/images?limit=101", None, "limit", "This must be at most 100.", 100),
        ("/api/v1/images?limit=x", None, "limit", "This must be a whole number.", None),
        (GENERATIONS, {"prompt": 5}, "prompt", "This must be a text.", None),
        (GENERATIONS, {"prompt": "x", "guidance": "x"}, "guidance", "This must be a number.", None),
        (
            GENERATIONS,
            {"prompt": "x", "init_image": "x" * 51},
            "init_image",
            "This may have 50 characters at most.",
            50,
        ),
        (GENERATIONS, {"prompt": "x", "loras": "x"}, "loras", "This must be a list.", None),
        (GENERATIONS, {}, "prompt", "This field is required.", None),
        (GENERATIONS, [], "body", "Send a JSON object with the fields of this operation.", None),
        (DELETE, {"ids": ["x"]}, "ids.0", "This is no id.", None),
        (DELETE, {"ids": [], "all": "x"}, "all", "This must be true or false.", None),
        (
            ALBUMS,
            {"name": "x", "ids": ["00000000-0000-4000-8000-000000000000"] * 1_001},
            "ids",
            "At most 1000 are taken at once.",
            1_000,
        ),
    ],
)
def test_field_and_limit_are_named(
    signed_in: Client, path: str, body: Any, field: str, message: str, limit: int | None
) -> None:
    (error,) = errors(signed_in, path, body)
    assert (error["field"], error["message"], error.get("limit")) == (field, message, limit)


def test_they_are_in_the_readers_language(signed_in: Client) -> None:
    (error,) = errors(signed_in, DELETE, {"ids": ["x"]}, language="zh-hans")
    assert error["message"] == "这不是有效的 ID。"
