"""Names of styles, for pages that only know a style's key, and what the model can do, for pages of other rooms."""

from __future__ import annotations

from django import template

from generation import styles
from generation.catalogue import current_model

register = template.Library()


@register.filter
def style_label(key: str) -> str:
    """The style's name in the reader's language; the key itself for one that has been taken out since."""
    return styles.name(key)


@register.simple_tag
def can_start_from_image() -> bool:
    return current_model().can_start_from_image
