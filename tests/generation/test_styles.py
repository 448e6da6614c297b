"""Staff edit the styles; what pictures name stays readable."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import translation
from pytest_django.fixtures import DjangoAssertNumQueries

from generation import styles
from generation.exceptions import InvalidParameters
from generation.models import Style

ADMIN = "/admin/generation/style/"
FIELDS = {
    "key": "pixel",
    "label": "Pixel art",
    "label_zh": "像素",
    "template": "pixel art of {prompt}",
    "position": "5",
}


@pytest.fixture
def as_charlie(charlie: User, client: Client) -> Client:
    client.force_login(charlie)
    return client


def test_the_styles_of_before_are_there() -> None:
    assert [style["key"] for style in styles.styles_json()] == [
        "", "photo", "ink-wash", "watercolour", "anime", "3d-render", "line-art", "film-still"
    ]  # fmt: skip
    assert styles.apply("line-art", "a fox") == "a fox, line art, clean black lines on a white background"
    assert styles.apply("", "a fox") == "a fox"
    with translation.override("zh-hans"):
        assert styles.name("ink-wash") == "水墨"


def test_a_style_made_in_the_admin_can_be_asked_for_at_once(as_charlie: Client, alice: User, ask: Any) -> None:
    with pytest.raises(InvalidParameters):
        ask(alice, style="pixel")
    assert as_charlie.post(f"{ADMIN}add/", FIELDS | {"is_active": "on"}).status_code == 302
    assert [row.style for row in ask(alice, style="pixel")] == ["pixel"]
    assert styles.apply("pixel", "a fox") == "pixel art of a fox"
    assert as_charlie.get("/api/v1/models").json()["styles"][1] == {"key": "pixel", "label": "Pixel art"}


@pytest.mark.parametrize("template", ["pixel art", "{prompt} and {prompt}"])
def test_a_template_has_exactly_one_place_for_the_prompt(as_charlie: Client, template: str) -> None:
    answer = as_charlie.post(f"{ADMIN}add/", FIELDS | {"template": template})
    assert answer.status_code == 200
    assert "exactly once" in answer.content.decode()
    assert not Style.objects.filter(key="pixel").exists()


def test_the_database_refuses_a_template_that_drops_the_prompt() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Style.objects.filter(key="photo").update(template="no place")


def test_a_deactivated_style_keeps_its_name_and_words(as_charlie: Client, alice: User, ask: Any) -> None:
    ask(alice, style="photo")
    photo = Style.objects.get(key="photo")
    form = {name: getattr(photo, name) for name in ("label", "label_zh", "template", "position")}
    assert as_charlie.post(f"{ADMIN}{photo.pk}/change/", form).status_code == 302
    with pytest.raises(InvalidParameters) as refused:
        ask(alice, style="photo")
    assert "photo" not in str(refused.value.errors[0].limit)
    assert styles.name("photo") == "Photo"
    assert styles.apply("photo", "a fox").startswith("a fox, professional photograph")


def test_only_an_unused_style_can_be_deleted(as_charlie: Client, alice: User, ask: Any) -> None:
    ask(alice, style="photo")
    photo, anime = Style.objects.get(key="photo"), Style.objects.get(key="anime")
    assert as_charlie.post(f"{ADMIN}{photo.pk}/delete/", {"post": "yes"}).status_code == 403
    assert as_charlie.post(f"{ADMIN}{anime.pk}/delete/", {"post": "yes"}).status_code == 302
    assert "anime" not in styles.everything()
    selected = {"action": "delete_selected", "_selected_action": [photo.pk], "post": "yes"}
    as_charlie.post(ADMIN, selected)
    assert Style.objects.filter(key="photo").exists()


def test_the_key_stays_what_rows_name(as_charlie: Client) -> None:
    photo = Style.objects.get(key="photo")
    as_charlie.post(f"{ADMIN}{photo.pk}/change/", FIELDS)
    photo.refresh_from_db()
    assert (photo.key, photo.label) == ("photo", "Pixel art")


def test_one_query_serves_many_and_an_edit_elsewhere_shows_within_seconds(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = 1_000.0
    monkeypatch.setattr("generation.styles.time.monotonic", lambda: now)
    with django_assert_num_queries(1):
        for _ in range(20):
            styles.styles_json()
    Style.objects.filter(key="photo").update(label="Fotograf")  # as another process does
    now += 3
    assert styles.name("photo") == "Fotograf"
