"""What people bring to start from: taken in, held to limits, and looked up when they ask for pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import IO, Any, TypedDict
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from gallery import inputs
from gallery.models import INPUT_KEPT, Image, Input
from generation.exceptions import FieldError, InvalidParameters, QuotaExceeded
from generation.models import Generation

MOST_INPUTS = 100  # of one person; they go after a day


def take_input(*, user: User, file: IO[bytes]) -> Input:
    """Keep an uploaded picture. Raises NotAPicture, InvalidParameters for one too large, QuotaExceeded."""
    mine = Input.objects.visible_to(user).filter(used_at__gt=timezone.now() - INPUT_KEPT)  # a sweep takes the others
    if (used := mine.count()) >= MOST_INPUTS:
        oldest = mine.aggregate(at=Min("used_at"))["at"]
        message = _("You have brought %(limit)d pictures to start from, as many as are kept. They go after a day.")
        values = {"limit": MOST_INPUTS}
        resets_at = oldest + INPUT_KEPT if oldest else None
        raise QuotaExceeded(message % values, quota="inputs", limit=MOST_INPUTS, used=used, resets_at=resets_at)
    try:
        return inputs.keep(owner_id=user.pk, file=file)
    except inputs.TooManyPixels as error:
        raise InvalidParameters([FieldError("file", str(error), inputs.MOST_PIXELS)]) from None


def require_starts(user: User, *, init_image: str, mask: str) -> None:
    """Hold what a request names to exist and to fit together, and keep it from being swept away.

    Called in the transaction that makes the rows. Raises InvalidParameters with the fields that are wrong.
    """
    found: dict[str, Input | Image] = {}
    errors = []
    for field, reference in (("init_image", init_image), ("mask", mask)):
        if not reference:
            continue
        try:
            found[field] = _found(user, field, reference)
        except inputs.NotThere:
            errors.append(FieldError(field, _("There is no such picture, or it is no longer kept. Choose it again.")))
    if len(found) == 2:
        start, over = found["init_image"], found["mask"]
        if (start.width, start.height) != (over.width, over.height):
            size = f"{start.width} × {start.height}"
            message = _("The mask must be as large as the picture to start from: %(size)s pixels.")
            errors.append(FieldError("mask", message % {"size": size}, size))
    if errors:
        raise InvalidParameters(errors)


class Start(TypedDict):
    """From what to start, in the names of a request; all empty where from nothing."""

    init_image: str
    mask: str
    strength: float | None


def remaining_start(user: User, record: Mapping[str, Any]) -> Start:
    """From what the picture of `record` was drawn, each part where it is still there and the person's own."""
    init_image, mask, strength = (record.get(name) for name in ("init_image", "mask", "strength"))
    found = {field: _remaining(user, field, name) for field, name in (("init_image", init_image), ("mask", mask))}
    start, over = found["init_image"], found["mask"]
    if start is None or not isinstance(strength, float | int):
        return Start(init_image="", mask="", strength=None)
    fits = over is not None and (start.width, start.height) == (over.width, over.height)
    return Start(init_image=str(init_image), mask=str(mask) if fits else "", strength=float(strength))


def _remaining(user: User, field: str, reference: object) -> Input | Image | None:
    try:
        return _own(user, field, reference) if isinstance(reference, str) else None
    except inputs.NotThere:
        return None


def _found(user: User, field: str, reference: str) -> Input | Image:
    found = _own(user, field, reference)
    inputs.use(found)
    return found


def _own(user: User, field: str, reference: str) -> Input | Image:
    found = inputs.find(user.pk, reference)
    if isinstance(found, Image) and (field == "mask" or found.in_bin):
        raise inputs.NotThere(reference)
    return found


def inputs_needed() -> Collection[UUID]:
    """The inputs from which something is still to be drawn."""
    rows = Generation.objects.active().exclude(init_image="").values_list("init_image", "mask")
    return {UUID(name) for pair in rows for name in pair if name and not name.startswith("image:")}
