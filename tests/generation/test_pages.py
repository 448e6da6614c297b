"""The create and queue pages as plain HTML: they work without JavaScript and keep what was typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gallery.models import Image
from generation.models import Generation, Quota, Worker
from tests.factories import make_image

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., list[Generation]]
FORM = {"prompt": "a red fox", "style": "ink-wash", "shape": "3:4", "count": "2", "steps": "5", "seed": "7"}


def test_the_form_alone_asks_for_pictures(as_alice: Client, alice: User) -> None:
    answer = as_alice.post("/", FORM)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    rows = Generation.objects.filter(user=alice).order_by("id")
    assert [(row.seed, row.steps, row.style) for row in rows] == [(7, 5, "ink-wash"), (8, 5, "ink-wash")]
    assert rows[0].height > rows[0].width


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"prompt": ""}, "empty"),
        ({"prompt": "y" * 2_001}, "2000"),
        ({"steps": "0"}, "steps"),
        ({"steps": "many"}, "whole number"),
        ({"seed": "-5"}, "seed"),
        ({"seed": str(2**70)}, "seed"),
        ({"count": "50"}, "10"),
        ({"style": "cubist"}, "style"),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_typed(as_alice: Client, changes: dict[str, str], word: str) -> None:
    answer = as_alice.post("/", FORM | changes)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert word in page
    assert (changes.get("prompt", FORM["prompt"]) or "textarea") in page
    assert not Generation.objects.exists()


def test_a_used_up_quota_is_said_on_the_page(as_alice: Client, alice: User) -> None:
    Quota.objects.create(user=alice, pictures_per_day=1)
    answer = as_alice.post("/", FORM)
    assert answer.status_code == 429
    assert "You have 1 of 1 picture left today." in answer.content.decode()


def test_what_only_this_person_may_not_ask_for_is_said_at_the_field(as_alice: Client, alice: User) -> None:
    Quota.objects.create(user=alice, max_steps=4, max_megapixels=0.01)
    answer = as_alice.post("/", FORM | {"steps": "8"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Your pictures may have at most 4 steps." in page
    assert "Your pictures may have 0.01 megapixels" in page
    assert not Generation.objects.exists()


def test_settings_of_ones_own_picture_are_used_again_and_of_others_never(
    as_alice: Client, alice: User, bob: User
) -> None:
    mine: Image = make_image(alice, prompt="my own words", seed=99)
    his: Image = make_image(bob, prompt="a secret")
    reuse = as_alice.get(f"/?reuse={mine.pk}").context["bootstrap"]["reuse"]
    assert (reuse["prompt"], reuse["seed"]) == ("my own words", 99)
    assert as_alice.get(f"/?reuse={mine.pk}&seed=new").context["bootstrap"]["reuse"]["seed"] is None
    for only, part in (("prompt", {"prompt": "my own words"}), ("seed", {"seed": 99})):
        assert as_alice.get(f"/?reuse={mine.pk}&only={only}").context["bootstrap"]["reuse"] == part
    for other in (his.pk, "nonsense", ""):
        answer = as_alice.get(f"/?reuse={other}")
        assert answer.context["bootstrap"]["reuse"] is None
        assert "a secret" not in answer.content.decode()


def test_with_the_starter_model_the_page_says_what_it_draws_and_how_to_get_photographs(as_alice: Client) -> None:
    command = "manage.py prepare_model Tongyi-MAI/Z-Image-Turbo"
    worker = Worker.objects.create(name="w", card={"is_starter": True})
    page = as_alice.get("/")
    assert "it draws simple scenes" in page.content.decode()
    assert command in page.content.decode()
    assert len(set(page.context["examples"])) >= 8
    worker.delete()
    other = as_alice.get("/")
    assert command not in other.content.decode()
    assert not set(other.context["examples"]) & set(page.context["examples"])


def test_the_pages_say_so_when_no_worker_runs(as_alice: Client) -> None:
    assert as_alice.get("/").context["bootstrap"]["queue"]["workers"]["ready"] == 0
    Worker.objects.create(name="w", state=Worker.State.LOADING, progress=40)
    workers = as_alice.get("/").context["bootstrap"]["queue"]["workers"]
    assert (workers["ready"], workers["loading"], workers["progress"]) == (0, 1, 40)


def test_the_pages_know_how_fast_the_workers_draw(as_alice: Client) -> None:
    """What the estimate under the button rests on."""
    assert as_alice.get("/").context["bootstrap"]["queue"]["pace"] is None
    Worker.objects.create(name="w", state=Worker.State.IDLE, seconds_per_cost=0.123456, seconds_per_megapixel=4.0)
    told = {"per_cost": 0.12, "per_megapixel": 4.0}
    assert as_alice.get("/").context["bootstrap"]["queue"]["pace"] == told
    assert as_alice.get("/api/v1/queue").json()["pace"] == told


def test_pages_are_cheap_however_much_there_is(
    as_alice: Client, alice: User, ask: Ask, django_assert_max_num_queries: Callable[..., object]
) -> None:
    Quota.objects.create(user=alice, queued_at_once=1_000, pictures_per_day=1_000)
    for _ in range(20):
        ask(alice, 4)
    with django_assert_max_num_queries(22):  # type: ignore[attr-defined]  # one for styles, one for preferences
        as_alice.get("/")
    with django_assert_max_num_queries(26):  # type: ignore[attr-defined]
        as_alice.get("/queue/")


def test_everything_in_progress_is_on_the_first_page_however_old(as_alice: Client, alice: User, ask: Ask) -> None:
    Quota.objects.create(user=alice, queued_at_once=1_000, pictures_per_day=1_000)
    (oldest,) = ask(alice)
    for _ in range(15):
        for row in ask(alice):
            as_alice.post(f"/api/v1/generations/{row.pk}/cancel")
    shown = as_alice.get("/").context["bootstrap"]
    assert oldest.pk in [row["id"] for row in shown["generations"]]
    older = as_alice.get(f"/api/v1/generations?feed=true&cursor={shown['next']}").json()
    ids = [row["id"] for row in shown["generations"]] + [row["id"] for row in older["items"]]
    assert set(ids) == set(Generation.objects.values_list("pk", flat=True))
