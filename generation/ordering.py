"""The order of one person's own waiting rows, changed without touching anybody else's (see scheduling.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from generation.models import Generation, QueueShare
from generation.scheduling import Tags

_AT_ONCE = 200  # rows in one statement


def reorder(share: QueueShare, waiting: Sequence[Generation], wanted: Sequence[Generation]) -> None:
    """Draw a person's rows in the order `wanted`. `waiting` are the same rows, all of that person's that wait, as they
    are drawn now; they and `share` are locked.

    The rows are laid anew over the virtual time that was theirs together, each as long as it is. So up to any moment
    they take no more of it than before, but for what the last of them overhangs: other people are served as if this
    person had asked in that order to begin with.
    """
    places = _laid(_apart(Tags(row.start_tag, row.finish_tag) for row in waiting), [_width(row) for row in wanted])
    changed, late = [], 0
    for row, tags, number in zip(wanted, places, sorted(row.pk for row in waiting), strict=True):
        # Of equal start tags the older row is drawn first. One that is older than what would stand here had the person
        # asked in this order must not win against other people's for that: from it on all start the least bit later.
        late = late or int(row.pk < number)
        now = Tags(tags.start + late, tags.finish + late)
        if now != (row.start_tag, row.finish_tag):
            row.start_tag, row.finish_tag = now
            changed.append(row)
    # Nobody else writes these two fields, and the rows are locked: a claim passes them over or has them no longer.
    Generation.objects.bulk_update(changed, ["start_tag", "finish_tag"], batch_size=_AT_ONCE)
    end = max((row.finish_tag for row in wanted), default=0)
    if end > share.finish_tag:
        share.finish_tag = end
        share.save(update_fields=["finish_tag"])


def _width(row: Generation) -> int:
    return row.finish_tag - row.start_tag


def _apart(stretches: Iterable[Tags]) -> list[Tags]:
    """The stretches in order, none reaching into the next, which rows that came back from a worker may do."""
    apart: list[Tags] = []
    for start, finish in sorted(stretches):
        late = max(0, apart[-1].finish - start) if apart else 0
        apart.append(Tags(start + late, finish + late))
    return apart


def _laid(stretches: Sequence[Tags], widths: Sequence[int]) -> list[Tags]:
    """Where rows of these widths lie, one after another in what the stretches cover; gaps between them stay gaps."""
    laid = []
    following = iter(stretches)
    at, end = next(following, Tags(0, 0))
    for width in widths:
        while at == end and (stretch := next(following, None)):
            at, end = stretch
        laid.append(Tags(at, at + width))
        left = width
        while left > end - at and (stretch := next(following, None)):
            left -= end - at
            at, end = stretch
        at += left
    return laid
