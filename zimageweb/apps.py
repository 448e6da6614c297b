from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ZimagewebConfig(AppConfig):
    name = "zimageweb"
    verbose_name = _("Access")

    def ready(self) -> None:
        from gallery.signals import archive_wanted
        from zimageweb import checks  # noqa: F401  registers them

        archive_wanted.connect(ring_housekeeper, dispatch_uid="zimageweb.ring_housekeeper")


def ring_housekeeper(sender: Any, **kwargs: Any) -> None:
    """The gallery knows no queue: who packs its ZIP files hears of them through here."""
    from zimageweb import housekeeping

    housekeeping.ring()
