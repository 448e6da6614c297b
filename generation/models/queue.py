"""Where people stand in the queue: what start-time fair queueing remembers (see scheduling.py)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class QueueShare(models.Model):
    """One person's standing in the queue. Locking this row orders everything that person does at the same moment."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="queue_share", primary_key=True
    )
    finish_tag = models.BigIntegerField(default=0)  # virtual time at which all this person asked for would be drawn

    def __str__(self) -> str:
        return f"{self.user_id}: {self.finish_tag}"


class QueueClock(models.Model):
    """The queue's virtual time: a single row, stored so that pruning history cannot turn it back."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    virtual_time = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="queue_clock_single_row")]

    def __str__(self) -> str:
        return f"{self.virtual_time}"
