"""Names of browsers, for the list of sessions."""

from __future__ import annotations

from django import template

from zimageweb.sessions import browser_name

register = template.Library()
register.filter(browser_name)
