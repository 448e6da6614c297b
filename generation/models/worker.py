"""Who draws: what each worker says of itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from generation.speed import Speed


class Worker(models.Model):
    """A process that draws, as it last described itself. A row not renewed for a while is a worker that is gone."""

    class State(models.TextChoices):
        LOADING = "loading", _("loading the model")
        IDLE = "idle", _("idle")
        DRAWING = "drawing", _("drawing")
        STOPPED = "stopped", _("stopped")
        BROKEN = "broken", _("cannot start")
        WAITING = "waiting", _("is started again after a while")

    NOT_STARTED = (State.BROKEN, State.WAITING)  # for the reason that `message` gives
    ALIVE_FOR = dt.timedelta(seconds=20)  # four missed beats
    REMEMBERED_FOR = dt.timedelta(days=1)

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    host = models.CharField(_("host"), max_length=200, blank=True)
    pid = models.PositiveIntegerField(_("process"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.LOADING)
    message = models.CharField(_("message"), max_length=500, blank=True)
    progress = models.PositiveSmallIntegerField(_("loaded (percent)"), default=0)
    card: Any = models.JSONField(_("model"), default=dict, blank=True)  # engine.types.ModelCard.as_dict()
    # Measured; None before the first picture.
    seconds_per_cost = models.FloatField(_("seconds per megapixel-step"), null=True, blank=True)
    seconds_per_megapixel = models.FloatField(_("seconds per megapixel beside the steps"), default=0.0)
    drawn = models.PositiveBigIntegerField(_("pictures drawn"), default=0)
    # engine.types.DeviceState when the last picture was drawn.
    device_state: Any = models.JSONField(_("device"), default=dict, blank=True)
    last_drawn_at = models.DateTimeField(_("last picture"), null=True, blank=True)
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
        return not self.has_ended and timezone.now() - self.seen_at < self.ALIVE_FOR

    @property
    def has_ended(self) -> bool:
        """By its own word."""
        return self.state in (Worker.State.STOPPED, *Worker.NOT_STARTED)

    @property
    def speed(self) -> Speed | None:
        return Speed(self.seconds_per_cost, self.seconds_per_megapixel) if self.seconds_per_cost else None

    @property
    def is_broken(self) -> bool:
        """It said lately that it cannot start, or not at the moment."""
        return self.state in Worker.NOT_STARTED and timezone.now() - self.seen_at < self.REMEMBERED_FOR

    @property
    def is_ready(self) -> bool:
        return self.is_alive and self.state != Worker.State.LOADING
