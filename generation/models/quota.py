"""What people may ask for, and what they were charged."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from generation.models.generation import Generation


class Quota(models.Model):
    """Limits of one person or of one group. An empty field falls back: person, most generous group, site default."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="quota",
        verbose_name=_("person"),
    )
    group = models.OneToOneField(
        Group, on_delete=models.CASCADE, null=True, blank=True, related_name="quota", verbose_name=_("group")
    )
    pictures_per_day = models.PositiveIntegerField(_("pictures a day"), null=True, blank=True)
    pictures_per_month = models.PositiveIntegerField(_("pictures a month"), null=True, blank=True)
    queued_at_once = models.PositiveIntegerField(_("pictures queued at once"), null=True, blank=True)
    running_at_once = models.PositiveIntegerField(_("pictures drawn at once"), null=True, blank=True)
    stored_megabytes = models.PositiveIntegerField(_("megabytes stored"), null=True, blank=True)
    max_megapixels = models.FloatField(_("largest picture (megapixels)"), null=True, blank=True)
    max_steps = models.PositiveSmallIntegerField(_("most steps"), null=True, blank=True)
    retention_days = models.PositiveIntegerField(
        _("days until pictures go to the bin"), null=True, blank=True, help_text=_("0: never.")
    )
    weight = models.FloatField(
        _("weight in the queue"), null=True, blank=True, help_text=_("2 is drawn twice as much as 1. Default 1.")
    )

    class Meta:
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True) ^ Q(group__isnull=True),
                name="quota_user_or_group",
                violation_error_message=_("A quota belongs to one person or to one group."),
            ),
            models.CheckConstraint(
                condition=Q(max_megapixels=None) | Q(max_megapixels__gt=0),
                name="quota_megapixels_positive",
                violation_error_message=_("The largest picture must have more than 0 megapixels."),
            ),
            models.CheckConstraint(
                condition=Q(running_at_once=None) | Q(running_at_once__gt=0),
                name="quota_running_positive",
                violation_error_message=_("With no picture drawn at once nothing would ever be drawn: use 1 or more."),
            ),
            models.CheckConstraint(
                condition=Q(weight=None) | Q(weight__gt=0),
                name="quota_weight_positive",
                violation_error_message=_("The weight in the queue must be more than 0."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.user or self.group)


class Reason(models.TextChoices):
    """Why a picture was charged or given back."""

    ASKED = "asked", _("asked for")
    RETRIED = "retried", _("asked for again")
    CANCELLED = "cancelled", _("cancelled before it was started")
    FAILED = "failed", _("could not be drawn")


class LedgerEntry(models.Model):
    """One charge or refund, with its reason: why a person's usage is what it is. Written once, never changed.

    Usage itself is counted from the rows. For every generation the entries add up to 1 if it is charged, else to 0.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ledger", verbose_name=_("person")
    )
    generation = models.ForeignKey(
        Generation, on_delete=models.CASCADE, related_name="ledger", verbose_name=_("generation")
    )
    pictures = models.SmallIntegerField(_("pictures"))  # 1 charged, -1 given back
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    created_at = models.DateTimeField(_("when"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        ordering = ["-id"]
        constraints = [
            # Charged once, given back at most once, whatever races.
            models.UniqueConstraint(fields=["generation", "pictures"], name="ledger_once"),
            models.CheckConstraint(condition=Q(pictures__in=(1, -1)), name="ledger_pictures"),
            models.CheckConstraint(condition=Q(reason__in=Reason.values), name="ledger_reason"),
        ]
        indexes = [models.Index(fields=["user", "-created_at"], name="ledger_history")]

    def __str__(self) -> str:
        return f"{self.pictures:+d}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("The ledger is only added to.")
        super().save(*args, **kwargs)
