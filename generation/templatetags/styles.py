"""Names of styles, for pages that only know a style's key."""

from __future__ import annotations

from django import template

from generation import styles

register = template.Library()


@register.filter
def style_label(key: str) -> str:
    """The style's name in the reader's language; the key itself for one that has been taken out since."""
    return styles.name(key)
