"""What people asked for. The row is the job: queue, place in line, cancelling and recovery are all read from it.

            ┌────────────── release, reconcile ──────────────┐
            ▼                                                │
    ──▶  queued  ──claim──▶  running  ──finish──▶  succeeded │
            │                   │ ├────fail─────▶  failed    │
            │                   │ └──────────────────────────┘
            └──────cancel───────┴──────────────▶  cancelled

A row moves only by a conditional update that must change exactly one row, and never leaves a terminal state.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gallery.models import Image

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MAX_ATTEMPTS = 3


class State(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


ACTIVE_STATES = (State.QUEUED, State.RUNNING)
TERMINAL_STATES = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class Failure(models.TextChoices):
    """Why a generation failed, as one plain sentence for the person who asked for it."""

    INTERRUPTED = (
        "interrupted",
        _("The worker stopped three times while drawing this picture, so it is not tried again. Nothing was charged."),
    )
    OUT_OF_MEMORY = (
        "out_of_memory",
        _("The worker ran out of memory. Try a smaller size. Nothing was charged."),
    )
    NOT_STORED = (
        "not_stored",
        _("The picture was drawn but could not be stored. Please tell an administrator. Nothing was charged."),
    )
    UNSUPPORTED = (
        "unsupported",
        _("The model that is loaded now cannot draw this. Choose another size. Nothing was charged."),
    )
    ENGINE = (
        "engine",
        _("The picture could not be drawn. Try again; if it fails again, tell an administrator. Nothing was charged."),
    )


class Batch(models.Model):
    """The generations that one person asked for together."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batches")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, editable=False)  # noqa: DJ001
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        constraints = [
            # NULL (no key given) is distinct from NULL, so only real keys are held to be unique.
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="batch_idempotency_key"),
        ]
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="batch_feed")]

    def __str__(self) -> str:
        return str(self.pk)


def next_seq() -> Greatest:
    """The expression for `seq` in an update: the time in microseconds, and always more than the row had before.

    The time makes numbers of different rows comparable, so that the highest of a person's rows tells a browser
    whether it has missed anything, without a counter that every change would have to lock. Below 2**53 until the year
    2255, so browsers keep it exactly.
    """
    return Greatest(F("seq") + 1, Value(time.time_ns() // 1_000, output_field=models.PositiveBigIntegerField()))


class GenerationQuerySet(models.QuerySet["Generation"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> GenerationQuerySet:
        """The user's own generations. Staff act on other people's in the admin, nowhere else."""
        return self.filter(user_id=user.pk) if user.pk else self.none()

    def active(self) -> GenerationQuerySet:
        return self.filter(state__in=ACTIVE_STATES)

    def queued(self) -> GenerationQuerySet:
        return self.filter(state=State.QUEUED)

    def running(self) -> GenerationQuerySet:
        return self.filter(state=State.RUNNING)

    def in_line(self) -> GenerationQuerySet:
        """The queue in the order in which it is drawn."""
        return self.queued().order_by("start_tag", "id")


class Generation(models.Model):
    """One requested picture."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="generations", verbose_name=_("batch"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="generations", verbose_name=_("person")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    seq = models.PositiveBigIntegerField(default=0, editable=False)  # rises with every change, see next_seq()

    prompt = models.TextField(_("prompt"))
    style = models.CharField(_("style"), max_length=40, blank=True)
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    steps = models.PositiveSmallIntegerField(_("steps"))
    guidance = models.FloatField(_("guidance"), default=0.0)
    seed = models.BigIntegerField(_("seed"))

    cost = models.FloatField(editable=False)  # megapixel-steps
    start_tag = models.FloatField(editable=False)  # virtual time, see scheduling.py
    charged = models.BooleanField(default=True, editable=False)  # counts against the quota of its day

    worker = models.CharField(_("worker"), max_length=100, blank=True, editable=False)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancel_requested = models.BooleanField(_("cancel requested"), default=False, editable=False)
    step = models.PositiveSmallIntegerField(_("step"), default=0, editable=False)

    image = models.OneToOneField(
        Image, on_delete=models.SET_NULL, null=True, blank=True, related_name="generation", editable=False
    )
    failure = models.CharField(_("failure"), max_length=20, choices=Failure.choices, blank=True, editable=False)
    retry_of = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="retried_as", editable=False
    )

    created_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, editable=False)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        verbose_name = _("generation")
        verbose_name_plural = _("generations")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="generation_state"),
            models.CheckConstraint(condition=Q(step__lte=F("steps")), name="generation_step"),
            models.CheckConstraint(condition=Q(cost__gt=0), name="generation_cost"),
            models.CheckConstraint(
                condition=Q(state=State.QUEUED, finished_at=None, worker="")
                | Q(state=State.RUNNING, finished_at=None, lease_expires_at__isnull=False)
                | Q(state__in=TERMINAL_STATES, finished_at__isnull=False, lease_expires_at=None),
                name="generation_state_times",
            ),
            models.CheckConstraint(condition=~Q(state=State.FAILED, failure=""), name="generation_failure_has_reason"),
        ]
        indexes = [
            # The head of the queue is one index seek, however long the queue.
            models.Index(fields=["start_tag", "id"], condition=Q(state=State.QUEUED), name="generation_queue"),
            models.Index(fields=["lease_expires_at"], condition=Q(state=State.RUNNING), name="generation_lease"),
            models.Index(fields=["user"], condition=Q(state__in=ACTIVE_STATES), name="generation_active"),
            models.Index(fields=["user", "-id"], name="generation_feed"),
            models.Index(fields=["user", "created_at"], condition=Q(charged=True), name="generation_charged"),
            models.Index(fields=["user", "-seq"], name="generation_head"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES


class QueueShare(models.Model):
    """One person's standing in the queue. Locking this row orders everything that person does at the same moment."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="queue_share", primary_key=True
    )
    finish_tag = models.FloatField(default=0.0)  # virtual time at which all this person asked for would be drawn

    def __str__(self) -> str:
        return f"{self.user_id}: {self.finish_tag:g}"


class QueueClock(models.Model):
    """The queue's virtual time: a single row, stored so that pruning history cannot turn it back."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    virtual_time = models.FloatField(default=0.0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="queue_clock_single_row")]

    def __str__(self) -> str:
        return f"{self.virtual_time:g}"


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


class Worker(models.Model):
    """A process that draws, as it last described itself. A row not renewed for a while is a worker that is gone."""

    class State(models.TextChoices):
        LOADING = "loading", _("loading the model")
        IDLE = "idle", _("idle")
        DRAWING = "drawing", _("drawing")
        STOPPED = "stopped", _("stopped")
        BROKEN = "broken", _("cannot start")

    ALIVE_FOR = dt.timedelta(seconds=20)  # four missed beats
    REMEMBERED_FOR = dt.timedelta(days=1)

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    host = models.CharField(_("host"), max_length=200, blank=True)
    pid = models.PositiveIntegerField(_("process"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.LOADING)
    message = models.CharField(_("message"), max_length=500, blank=True)
    progress = models.PositiveSmallIntegerField(_("loaded (percent)"), default=0)
    card: Any = models.JSONField(_("model"), default=dict, blank=True)  # engine.types.ModelCard.as_dict()
    seconds_per_cost = models.FloatField(_("seconds per megapixel-step"), null=True, blank=True)  # measured
    drawn = models.PositiveBigIntegerField(_("pictures drawn"), default=0)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    seen_at = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_alive(self) -> bool:
        gone = (Worker.State.STOPPED, Worker.State.BROKEN)
        return self.state not in gone and timezone.now() - self.seen_at < self.ALIVE_FOR

    @property
    def is_broken(self) -> bool:
        """It said lately that it cannot start."""
        return self.state == Worker.State.BROKEN and timezone.now() - self.seen_at < self.REMEMBERED_FOR

    @property
    def is_ready(self) -> bool:
        return self.is_alive and self.state != Worker.State.LOADING
