"""Starting from a picture: what a request may say of it, and what that means for its work.

Whether what it names exists is not this module's business, but `services.starts`'.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from generation.exceptions import FieldError

DEFAULT_STRENGTH = 0.6


def drawn_steps(steps: int, strength: float | None) -> int:
    """Of `steps`, how many are drawn: what starts from a picture leaves out the first. The arithmetic is diffusers',
    rounding errors included, so that progress and cost agree with what is drawn."""
    if strength is None:
        return steps
    return steps - int(max(steps - min(steps * strength, steps), 0))


def errors(*, can_start: bool, steps: int, init_image: str, mask: str, strength: float | None) -> list[FieldError]:
    """What is wrong with how a request wants to start. `strength` is None where there is no picture to start from."""
    found = []
    if not init_image:
        needs = _("This needs a picture to start from: name one in init_image.")
        found += [
            FieldError(name, needs)
            for name, value in (("mask", mask), ("strength", strength))
            if value not in ("", None)
        ]
    elif not can_start:
        found.append(FieldError("init_image", _("The model that is loaded cannot start from a picture.")))
    elif strength is None or not 0 < strength <= 1 or drawn_steps(steps, strength) < 1:
        found.append(FieldError("strength", _("The strength must be more than 0 and at most 1."), 1))
    return found
