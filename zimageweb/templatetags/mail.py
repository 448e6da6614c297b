"""Whether letters reach anybody, for templates that allauth renders without a request."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def mail_is_sent() -> bool:
    """False where messages only go to the log: a page must not promise one."""
    return bool(settings.MAIL_IS_SENT)
