"""A look that staff offer, described to the model around the person's own words."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

PLACE = "{prompt}"


def validate_template(template: str) -> None:
    """Raise ValidationError unless the template has exactly one place for the prompt."""
    if (number := template.count(PLACE)) != 1:
        message = _("Write %(place)s exactly once, where the person's prompt belongs; it is there %(number)d times.")
        raise ValidationError(message, code="prompt_place", params={"place": PLACE, "number": number})


class Style(models.Model):
    """Pictures name a style by its key. One that was used is deactivated, not deleted, so that its name stays readable.

    Its words are put around the prompt when a picture is drawn; each picture's record keeps them as they were then.
    """

    key = models.SlugField(_("key"), max_length=40, unique=True, help_text=_("Its name in the API; fixed once made."))
    label = models.CharField(_("name"), max_length=60)
    # A second column and not the translation files: those are made by developers, styles by staff.
    label_zh = models.CharField(
        _("name in Chinese"), max_length=60, blank=True, help_text=_("Left empty, the other name is shown.")
    )
    template = models.TextField(
        _("words"),
        max_length=1_000,
        validators=[validate_template],
        help_text=_("What the model reads; {prompt} stands for the person's words: {prompt}, ink wash painting"),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=100, help_text=_("Smaller numbers come first."))
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("style")
        verbose_name_plural = _("styles")
        ordering = ["position", "id"]
        constraints = [models.CheckConstraint(condition=Q(template__contains=PLACE), name="style_template_has_prompt")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """In the reader's language."""
        return self.label_zh if self.label_zh and (get_language() or "").startswith("zh") else self.label

    def apply(self, prompt: str) -> str:
        return self.template.replace(PLACE, prompt)
