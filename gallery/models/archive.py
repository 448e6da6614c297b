"""ZIP files of pictures, packed in the background for their owner and kept for a day.

waiting ──start──▶ packing ──▶ ready | failed
   ▲                  │
   └─── lease over ───┘
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from gallery.models.album import LONGEST_NAME

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

KEPT = dt.timedelta(days=1)


def archive_path(archive: Archive, filename: str) -> str:
    return f"archives/{archive.owner_id}/{filename}"


class ArchiveQuerySet(models.QuerySet["Archive"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ArchiveQuerySet:
        """The user's own that have not expired. Nobody else's, not for staff either."""
        return self.filter(owner_id=user.pk, created_at__gt=timezone.now() - KEPT) if user.pk else self.none()

    def under_way(self) -> ArchiveQuerySet:
        return self.filter(state__in=(Archive.State.WAITING, Archive.State.PACKING))


class Archive(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        PACKING = "packing", _("packing")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="archives")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    started_at = models.DateTimeField(null=True, editable=False)
    title = models.CharField(max_length=LONGEST_NAME, blank=True)  # the album's name
    ids = models.JSONField(default=list)  # of the pictures, in order, as text
    number = models.PositiveIntegerField(default=0)  # of the pictures in it
    file = models.FileField(upload_to=archive_path, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)

    objects = ArchiveQuerySet.as_manager()

    class Meta:
        verbose_name = _("archive")
        verbose_name_plural = _("archives")
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(state="ready") | ~models.Q(file=""), name="archive_ready_file")
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def filename(self) -> str:
        name = slugify(self.title, allow_unicode=True) or "pictures"
        return f"{name}_{timezone.localtime(self.created_at):%Y%m%d_%H%M%S}.zip"

    @property
    def expires_at(self) -> dt.datetime:
        return self.created_at + KEPT
