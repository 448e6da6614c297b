"""What a picture may start from, as a request names it, and what that means for its work.

A start is named by a reference: `<id>` of an input that was uploaded, or `image:<id>` of a picture in the gallery.
"""

from __future__ import annotations

DEFAULT_STRENGTH = 0.6


def drawn_steps(steps: int, strength: float | None) -> int:
    """Of `steps`, how many are drawn: what starts from a picture leaves out the first. The arithmetic is diffusers',
    rounding errors included, so that progress and cost agree with what is drawn."""
    if strength is None:
        return steps
    return steps - int(max(steps - min(steps * strength, steps), 0))
