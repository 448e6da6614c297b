"""The figures on the admin's first page, for those who may see what they count; and how they are written."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.contrib import admin
from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _

from gallery.models import Image
from generation import figures
from generation.models import Generation, Worker
from zimageweb.chart import BarChart

register = template.Library()


@register.inclusion_tag("admin/_dashboard.html", takes_context=True)
def dashboard(context: template.Context) -> dict[str, Any]:
    request = context["request"]
    generations, images, workers = (
        admin.site.get_model_admin(model).has_view_permission(request) for model in (Generation, Image, Worker)
    )
    found = figures.figures(generations=generations, images=images, workers=workers)
    return {
        "figures": found,
        "chart": BarChart(found.drawn.days) if found.drawn else None,
        "a_person": settings.QUOTA_PICTURES_PER_DAY,
        "ready": sum(painter.worker.is_ready for painter in found.painters or ()),
    }


@register.filter
def duration(seconds: float) -> str:
    """As short as a tile needs it: `0.4 s`, `41 s`, `12 min`, `3 h 5 min`."""
    if seconds < 9.95:
        return _("%(number)s s") % {"number": floatformat(round(seconds, 1), -1)}
    if seconds < 59.5:
        return _("%(number)s s") % {"number": round(seconds)}
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return _("%(number)s min") % {"number": minutes}
    return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}


@register.filter
def share(percent: float) -> str:
    """A share that is not nothing never reads as nothing."""
    if 0 < percent < 0.05:
        return _("under %(number)s %%") % {"number": floatformat(0.1, 1)}
    return _("%(number)s %%") % {"number": floatformat(round(percent, 1), -1)}
