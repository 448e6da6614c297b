"""RQ's dashboard in the admin, under names that people read: the package calls its heading there "Django_Rq"."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class QueuesConfig(AppConfig):
    name = "django_rq"
    default_auto_field = "django.db.models.AutoField"  # the package's own
    verbose_name = _("Queues")

    def ready(self) -> None:
        from django_rq.models import Dashboard

        # Set afterwards, these are no change of the package's model that would want a migration.
        Dashboard._meta.verbose_name = Dashboard._meta.verbose_name_plural = _("RQ dashboard")
