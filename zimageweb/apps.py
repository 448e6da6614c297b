from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ZimagewebConfig(AppConfig):
    name = "zimageweb"
    verbose_name = _("Access")

    def ready(self) -> None:
        from zimageweb import checks  # noqa: F401  registers them
