"""What the site keeps about people: API tokens, invitations, preferences. Accounts are `django.contrib.auth`'s."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def _digest(secret: str) -> str:
    # The secrets are 256 random bits, not passwords: one round of SHA-256 cannot be guessed back.
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiToken(models.Model):
    """A bearer token. Only its digest is kept: the token itself is shown once, when it is made."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("person")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80, blank=True)
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"

    @classmethod
    def issue(cls, user: User, name: str = "") -> str:
        """Make a token for `user` and return it; it cannot be read back later."""
        row = cls(user=user, name=name)
        token = row.draw()
        row.save()
        return token

    def draw(self) -> str:
        """Give this row a new token, not yet saved, and return it."""
        token = secrets.token_urlsafe(32)
        self.digest = _digest(token)
        return token

    @classmethod
    def user_for(cls, token: str) -> User | None:
        """The active user to whom `token` belongs, if any."""
        found = cls.objects.select_related("user").filter(digest=_digest(token), user__is_active=True).first()
        if found is None:
            return None
        now = timezone.now()
        if found.used_at is None or now - found.used_at > dt.timedelta(minutes=1):  # spare a write for each request
            cls.objects.filter(pk=found.pk).update(used_at=now)
        return found.user


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        return self.filter(used_by=None, expires_at__gt=timezone.now())


def _invitation_code() -> str:
    return secrets.token_urlsafe(24)


def _invitation_end() -> dt.datetime:
    return timezone.now() + dt.timedelta(days=14)


class Invitation(models.Model):
    """Lets one person sign up where `SIGNUP=invite`."""

    code = models.CharField(max_length=64, unique=True, default=_invitation_code, editable=False)
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("For whom it is; only staff see it."))
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("ends"), default=_invitation_end)
    used_by = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="invitation",
        editable=False,
        verbose_name=_("used by"),
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.note or self.code[:6]

    @property
    def is_open(self) -> bool:
        return self.used_by_id is None and self.expires_at > timezone.now()

    @property
    def link(self) -> str:
        return f"{settings.SITE_URL}{reverse('account_signup')}?invitation={self.code}"


class Preferences(models.Model):
    """How one person wants the site to be, on every device. Without a row the defaults hold."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences", primary_key=True
    )
    language = models.CharField(max_length=10, blank=True, choices=settings.LANGUAGES)  # empty: the browser's
    single_keys = models.BooleanField(default=True)  # shortcuts of a single key (WCAG 2.1.4)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.language or '–'}"

    @classmethod
    def of(cls, user: AbstractBaseUser | AnonymousUser) -> Preferences:
        """The person's, else unsaved defaults."""
        found = cls.objects.filter(user_id=user.pk).first() if user.pk else None
        return found or cls()

    @classmethod
    def set(cls, user: User, **values: str | bool) -> None:
        """Remember these values and leave the others as they are."""
        cls.objects.update_or_create(user=user, defaults=values)
