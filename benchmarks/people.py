"""People who ask: made for a benchmark, in the database of this process's settings."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from generation import services
from generation.catalogue import Model
from generation.models import Generation
from generation.parameters import Parameters

# What the starter model and the timed engine can draw.
MODEL = Model(min_side=128, size_step=32, native_pixels=256 * 256)


def make(name: str, *, weight: float | None = None) -> User:
    from generation.models import Quota

    user = User.objects.create_user(name)
    if weight is not None:
        Quota.objects.create(user=user, weight=weight)
    return user


def ask(user: User, count: int = 1, **changes: Any) -> list[Generation]:
    """One request, as the API makes it; at most ten pictures."""
    fields = {"prompt": "violet dusk over still water", "width": 256, "height": 256, "steps": 8} | changes
    return services.submit(user=user, parameters=Parameters.checked(MODEL, count=count, **fields)).generations
