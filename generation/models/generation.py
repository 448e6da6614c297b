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

import time
import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gallery.models import Image
from generation import loras
from generation.starting import drawn_steps

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
    START_GONE = (
        "start_gone",
        _("The picture to start from is no longer there. Choose another one. Nothing was charged."),
    )
    ENGINE = (
        "engine",
        _("The picture could not be drawn. Try again; if it fails again, tell an administrator. Nothing was charged."),
    )
    LORA = (
        "lora",
        _("A LoRA's file is gone, damaged or made for another model. Choose another LoRA. Nothing was charged."),
    )


class Batch(models.Model):
    """The generations that one person asked for together."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batches")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, editable=False)  # noqa: DJ001
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    # What was typed, where the rows' prompts are not it: see matrix.py.
    prompt_template = models.TextField(blank=True, editable=False)

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
        """The user's own generations. Staff act on other people's in the admin and the queue, nowhere else."""
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
    loras: Any = models.JSONField(_("LoRAs"), default=list, blank=True, validators=[loras.validate])
    init_image = models.CharField(_("starts from"), max_length=50, blank=True)  # a reference, see gallery.inputs
    mask = models.CharField(_("mask"), max_length=50, blank=True)
    strength = models.FloatField(_("strength"), null=True, blank=True)
    variation = models.FloatField(_("variation"), default=0.0)
    negative_prompt = models.TextField(_("negative prompt"), blank=True)

    cost = models.FloatField(editable=False)  # megapixel-steps
    start_tag = models.BigIntegerField(editable=False)  # virtual time, see scheduling.py
    finish_tag = models.BigIntegerField(editable=False)
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
            # Everybody's pictures of a day are counted without a look at the rows; what is not finished pays nothing.
            models.Index(
                fields=["state", "finished_at"], condition=Q(finished_at__isnull=False), name="generation_finished"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def drawn_steps(self) -> int:
        """Of `steps`, those that are drawn: what starts from a picture leaves out the first."""
        return drawn_steps(self.steps, self.strength)

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES
