"""What this room says aloud. It knows nobody who listens: live pages are another room's business."""

from __future__ import annotations

from django.dispatch import Signal

# Images of one person went to the bin or came back: `owner_id`, `deleted` and `restored` (lists of ids).
# Sent once the transaction is committed.
images_moved = Signal()

# Images of one person were marked as favourites or unmarked: `owner_id`, `ids`, `favourite`.
# Sent once the transaction is committed.
images_marked = Signal()

# Somebody waits for a ZIP: whoever packs may begin. Sent once the transaction is committed.
archive_wanted = Signal()

# A ZIP is ready or has failed: `archive`. Sent once the transaction is committed.
archive_finished = Signal()
