"""Finished pictures. A row owns its files: the PNG as it was drawn and three WebP thumbnails.

    kept ──move_to_bin──▶ in the bin ──purge──▶ gone (row and files)
     ▲                        │
     └────────restore─────────┘

This room knows nothing of queues, workers or prompts still waiting.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import operator
import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gallery import keeping

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models.fields.files import FieldFile

THUMBNAIL_SIDES = (256, 512, 1024)  # pixels, longest side
EXPIRING_SOON = dt.timedelta(days=3)  # and never before half of its time is over
ASPECTS = {"1-1": 1.0, "4-3": 4 / 3, "3-4": 3 / 4, "3-2": 3 / 2, "2-3": 2 / 3, "16-9": 16 / 9, "9-16": 9 / 16}


def image_path(image: Image, filename: str) -> str:
    """Where a file of this image lies: a folder by owner and month keeps each folder small enough to list."""
    made = image.created_at
    return f"images/{image.owner_id}/{made:%Y/%m}/{filename}"


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ImageQuerySet:
        """The user's own images. Staff look at other people's in the admin, nowhere else."""
        return self.filter(owner_id=user.pk) if user.pk else self.none()

    def served_to(self, user: AbstractBaseUser | AnonymousUser) -> ImageQuerySet:
        """Images whose files the user may open: their own, and for staff, whose admin shows them, everybody's."""
        return self.all() if getattr(user, "is_staff", False) else self.visible_to(user)

    def kept(self) -> ImageQuerySet:
        return self.filter(deleted_at=None)

    def in_bin(self) -> ImageQuerySet:
        return self.filter(deleted_at__isnull=False)  # as in the indexes: SQLite compares the words

    def matching(self, text: str) -> ImageQuerySet:
        """Images whose prompt holds every word of `text`, in any order and case."""
        found = self
        for word in text.split():
            # SQLite folds the case of ASCII letters only: É and é are asked for one by one.
            spellings = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
            found = found.filter(
                functools.reduce(operator.or_, (Q(prompt__icontains=spelling) for spelling in spellings))
            )
        return found

    def move_to_bin(self, now: dt.datetime | None = None) -> int:
        return self.kept().update(deleted_at=now or timezone.now())

    def restore(self, now: dt.datetime | None = None) -> int:
        """Take images out of the bin. Their retention starts anew, or the next sweep would put them back."""
        return self.in_bin().update(deleted_at=None, restored_at=now or timezone.now())


class Image(models.Model):
    """One finished picture of one person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="images", verbose_name=_("owner")
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    prompt = models.TextField(_("prompt"))
    style = models.CharField(_("style"), max_length=40, blank=True)
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    steps = models.PositiveSmallIntegerField(_("steps"))
    guidance = models.FloatField(_("guidance"), default=0.0)
    seed = models.BigIntegerField(_("seed"))
    seconds = models.FloatField(_("seconds it took"), null=True, blank=True)
    model = models.CharField(_("model"), max_length=200, blank=True)
    record = models.JSONField(
        _("reproducibility record"),
        default=dict,
        blank=True,
        help_text=_("Everything that must match for the same picture to come out again."),
    )

    file = models.FileField(_("file"), upload_to=image_path)
    bytes = models.PositiveBigIntegerField(_("size in bytes"))  # of the original and its thumbnails together
    thumbnail_256 = models.FileField(upload_to=image_path, editable=False)
    thumbnail_512 = models.FileField(upload_to=image_path, editable=False)
    thumbnail_1024 = models.FileField(upload_to=image_path, editable=False)

    favourite = models.BooleanField(_("favourite"), default=False)
    in_album = models.BooleanField(default=False, editable=False)  # written by `albums` only
    deleted_at = models.DateTimeField(_("moved to the bin"), null=True, blank=True)
    restored_at = models.DateTimeField(_("last taken out of the bin"), null=True, blank=True, editable=False)

    objects = ImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ["-created_at", "-id"]
        indexes = [
            # The gallery's own order: one seek for each page, whatever its number, and counts without the rows.
            models.Index(
                fields=["owner", "-created_at", "-id"], condition=Q(deleted_at__isnull=True), name="image_gallery"
            ),
            models.Index(
                fields=["owner", "-created_at", "-id"],
                condition=Q(deleted_at__isnull=True, favourite=True),
                name="image_favourites",
            ),
            models.Index(
                fields=["owner", "-deleted_at", "-id"], condition=Q(deleted_at__isnull=False), name="image_bin"
            ),
            # What the daily sweep looks for.
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="image_overdue"),
            models.Index(fields=["created_at"], name="image_age"),
            models.Index(fields=["bytes"], name="image_bytes"),  # all storage is summed up without the rows
        ]

    def __str__(self) -> str:
        return self.filename

    def get_absolute_url(self) -> str:
        return reverse("image", args=[self.pk])

    @property
    def prompt_cut(self) -> dict[str, int] | None:
        """Where the model did not read the prompt to its end: how many tokens it did `read`, `of` how many."""
        if not (tokens := self.record.get("prompt_tokens")):
            return None
        return {"read": self.record["prompt_tokens_read"], "of": tokens}

    @property
    def filename(self) -> str:
        """The name under which the picture is downloaded: `generated_20261122_143210_418092771.png`."""
        return f"generated_{timezone.localtime(self.created_at):%Y%m%d_%H%M%S}_{self.seed}.png"

    @property
    def in_bin(self) -> bool:
        return self.deleted_at is not None

    @property
    def expires_at(self) -> dt.datetime | None:
        """When retention moves the image to the bin; None where it never does."""
        days = keeping.days_of(self.owner_id)
        if days is None or self.favourite or self.in_album or self.in_bin:
            return None
        kept_since = max(self.created_at, self.restored_at or self.created_at)
        return kept_since + dt.timedelta(days=days)

    @property
    def is_expiring_soon(self) -> bool:
        days = keeping.days_of(self.owner_id)
        if days is None or self.expires_at is None:
            return False
        return self.expires_at - timezone.now() < min(EXPIRING_SOON, dt.timedelta(days=days / 2))

    @property
    def days_left(self) -> int:
        """Days until `expires_at`, begun ones counted whole; 0 where that never comes or is overdue."""
        return max(0, math.ceil((self.expires_at - timezone.now()) / dt.timedelta(days=1))) if self.expires_at else 0

    @property
    def aspect_class(self) -> str:
        """The nearest of the usual shapes, for style sheets: `3-2` is landscape, `2-3` portrait."""
        shape = math.log(self.width / self.height)
        return min(ASPECTS, key=lambda name: abs(math.log(ASPECTS[name]) - shape))

    @property
    def thumbnails(self) -> dict[int, FieldFile]:
        return {side: getattr(self, f"thumbnail_{side}") for side in THUMBNAIL_SIDES}

    @property
    def stored_files(self) -> list[FieldFile]:
        return [self.file, *self.thumbnails.values()]

    @property
    def file_url(self) -> str:
        return reverse("api:image_file", args=[self.pk])

    @property
    def thumbnail_urls(self) -> dict[int, str]:
        address = reverse("api:image_thumbnail", args=[self.pk])
        return {side: f"{address}?size={side}" for side in THUMBNAIL_SIDES}

    @property
    def thumbnail_url(self) -> str:
        return self.thumbnail_urls[512]


INPUT_KEPT = dt.timedelta(days=1)  # after its last use


def input_path(picture: Input, filename: str) -> str:
    return f"inputs/{picture.owner_id}/{filename}"


class InputQuerySet(models.QuerySet["Input"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> InputQuerySet:
        return self.filter(owner_id=user.pk) if user.pk else self.none()


class Input(models.Model):
    """A picture or mask that somebody brought to start from; see `inputs`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="inputs")
    used_at = models.DateTimeField(default=timezone.now, editable=False)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    file = models.FileField(upload_to=input_path)
    bytes = models.PositiveBigIntegerField()

    objects = InputQuerySet.as_manager()

    class Meta:
        verbose_name = _("input")
        verbose_name_plural = _("inputs")
        indexes = [models.Index(fields=["used_at"], name="input_age")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def expires_at(self) -> dt.datetime:
        """When it goes, unless it is used again before."""
        return self.used_at + INPUT_KEPT
