"""Asking for a picture through the API, and what a refusal names."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client


def request(client: Client, **fields: Any) -> Any:
    body = {"prompt": "a fox", "width": 64, "height": 64, "steps": 8} | fields
    return client.post("/api/v1/generations", data=json.dumps(body), content_type="application/json")


def wrong_fields(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.content
    return [error["field"] for error in answer.json()["errors"]]
