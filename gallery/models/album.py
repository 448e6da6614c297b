"""Albums: pictures of one person put together under a name. A picture may be in several, and lies in none of them: an
album that is deleted takes no picture with it, unless it is told to (see `albums`)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models import QuerySet
    from django_stubs_ext import WithAnnotations

LONGEST_NAME = 60  # characters


class AlbumQuerySet(models.QuerySet["Album"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> AlbumQuerySet:
        return self.filter(owner_id=user.pk) if user.pk else self.none()

    def summed_up(self) -> QuerySet[WithAnnotations[Album]]:
        """With `number` of kept pictures, and `shown_cover`: the id of the chosen cover, else of the newest picture."""
        kept = AlbumEntry.objects.filter(album=OuterRef("pk"), image__deleted_at=None)
        newest = kept.order_by("-image__created_at", "-image").values("image")[:1]
        chosen = kept.filter(image=OuterRef("cover")).values("image")[:1]
        return self.annotate(
            number=Count("entries", filter=Q(entries__image__deleted_at__isnull=True)),
            # The field's own type would not turn SQLite's text into a UUID.
            shown_cover=Coalesce(Subquery(chosen), Subquery(newest), output_field=models.UUIDField()),
        )


class Album(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="albums")
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    cover = models.ForeignKey("gallery.Image", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    images = models.ManyToManyField("gallery.Image", through="gallery.AlbumEntry", related_name="albums")

    objects = AlbumQuerySet.as_manager()

    class Meta:
        verbose_name = _("album")
        verbose_name_plural = _("albums")
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(F("owner"), Lower("name"), name="album_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('gallery')}?{urlencode({'album': self.pk})}"

    @property
    def cover_url(self) -> str | None:
        """The thumbnail of the cover, of an album that was `summed_up`."""
        image = getattr(self, "shown_cover", None)
        return f"{reverse('api:image_thumbnail', args=[image])}?size=256" if image else None


class AlbumEntry(models.Model):
    """One picture in one album."""

    album = models.ForeignKey(Album, on_delete=models.CASCADE, related_name="entries")
    image = models.ForeignKey("gallery.Image", on_delete=models.CASCADE, related_name="entries")

    objects = models.Manager["AlbumEntry"]()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["album", "image"], name="album_entry_once")]

    def __str__(self) -> str:
        return f"{self.image_id} in {self.album_id}"
