"""What people bring to start from: taken in, held to limits, and looked up when they ask for pictures."""

from __future__ import annotations

from collections.abc import Collection
from typing import IO
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Min
from django.utils.translation import gettext as _

from gallery import inputs
from gallery.models import INPUT_KEPT, Image, Input
from generation.exceptions import FieldError, InvalidParameters, QuotaExceeded
from generation.models import Generation

MOST_INPUTS = 100  # of one person; they go after a day


def take_input(*, user: User, file: IO[bytes]) -> Input:
    """Keep an uploaded picture. Raises NotAPicture, InvalidParameters for one too large, QuotaExceeded."""
    mine = Input.objects.visible_to(user)
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


def _found(user: User, field: str, reference: str) -> Input | Image:
    found = inputs.find(user.pk, reference)
    if isinstance(found, Image) and (field == "mask" or found.in_bin):
        raise inputs.NotThere(reference)
    inputs.use(found)
    return found


def inputs_needed() -> Collection[UUID]:
    """The inputs from which something is still to be drawn."""
    rows = Generation.objects.active().exclude(init_image="").values_list("init_image", "mask")
    return {UUID(name) for pair in rows for name in pair if name and not name.startswith("image:")}
