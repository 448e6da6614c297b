"""*Reuse settings* of a picture that was drawn from another: what is still there and one's own comes back."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from gallery import inputs
from gallery.models import Image, Input
from tests.factories import make_image, make_picture

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = ("", "", None)


def bring(owner: User, width: int = 96, height: int = 64) -> Input:
    file = io.BytesIO()
    make_picture(width, height).save(file, "PNG")
    file.seek(0)
    return inputs.keep(owner_id=owner.pk, file=file)


def reused(client: Client, owner: User, **record: Any) -> tuple[str, str, float | None]:
    """Start, mask and strength that the create page fills in for a picture with that record."""
    image = make_image(owner, record={"strength": 0.4} | record)
    reuse = client.get(f"/?reuse={image.pk}").context["bootstrap"]["reuse"]
    return reuse["init_image"], reuse["mask"], reuse["strength"]


def test_what_a_picture_was_drawn_from_comes_back(as_alice: Client, alice: User) -> None:
    start, mask, picture = str(bring(alice).pk), str(bring(alice).pk), f"image:{make_image(alice).pk}"
    assert reused(as_alice, alice, init_image=start, mask=mask) == (start, mask, 0.4)
    assert reused(as_alice, alice, init_image=picture, mask=mask, strength=1) == (picture, mask, 1.0)
    assert reused(as_alice, alice, init_image=picture) == (picture, "", 0.4)
    assert reused(as_alice, alice) == NOTHING


def test_only_what_is_still_there_comes_back(as_alice: Client, alice: User) -> None:
    start, gone = bring(alice), bring(alice)
    gone_name = str(gone.pk)
    gone.delete()
    assert reused(as_alice, alice, init_image=gone_name, mask=str(start.pk)) == NOTHING
    assert reused(as_alice, alice, init_image=str(start.pk), mask=gone_name) == (str(start.pk), "", 0.4)
    other = str(bring(alice, 64, 64).pk)
    assert reused(as_alice, alice, init_image=str(start.pk), mask=other) == (str(start.pk), "", 0.4)
    picture = make_image(alice)
    Image.objects.filter(pk=picture.pk).update(deleted_at=timezone.now() - dt.timedelta(hours=1))
    assert reused(as_alice, alice, init_image=f"image:{picture.pk}") == NOTHING


def test_other_peoples_never_come_back(as_alice: Client, alice: User, bob: User) -> None:
    theirs = str(bring(bob).pk)
    assert reused(as_alice, alice, init_image=theirs) == NOTHING
    assert reused(as_alice, alice, init_image=f"image:{make_image(bob).pk}") == NOTHING
    own = str(bring(alice).pk)
    assert reused(as_alice, alice, init_image=own, mask=theirs) == (own, "", 0.4)


@pytest.mark.parametrize("record", [{"init_image": 7}, {"init_image": "x", "mask": ["y"]}, {"strength": "much"}])
def test_a_record_that_makes_no_sense_gives_nothing(as_alice: Client, alice: User, record: dict[str, Any]) -> None:
    start = str(bring(alice).pk)
    assert reused(as_alice, alice, **{"init_image": start} | record) == NOTHING
