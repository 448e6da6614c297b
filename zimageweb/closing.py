"""Closing an account: everything that is the person's goes for good, and nothing of theirs goes on."""

from __future__ import annotations

import logging
from functools import partial

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from gallery.models import Image
from generation import events, services

logger = logging.getLogger(__name__)


class LastSuperuser(Exception):
    """Without this account nobody could administer the site."""


class ClosingForm(forms.Form):
    """Asks for the password, or where somebody signs in without one, for the name of the account."""

    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    name = forms.CharField(label=_("Name of your account"), widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._user = user
        del self.fields["name" if user.has_usable_password() else "password"]

    def clean_password(self) -> str:
        """Guessing counts together with the sign-in page's; allauth raises ValidationError when it was too often."""
        password = str(self.cleaned_data["password"])
        if not get_adapter().reauthenticate(self._user, password):
            raise forms.ValidationError(_("This is not your password."))
        return password

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name != self._user.get_username():
            raise forms.ValidationError(
                _("Type “%(name)s”, exactly as it is written here."), params={"name": self._user.get_username()}
            )
        return name


def is_last_superuser(user: User) -> bool:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    return user.is_superuser and not others.exists()


def close(user: User) -> int:
    """Delete the account and all that belongs to it, in one transaction; how many pictures went.

    Work under way is cancelled first, which holds the person's place in the queue until the end: what another tab asks
    for meanwhile waits, and a worker that is just finishing finds its picture cancelled. The files go on commit
    (django-cleanup), and so do the live connections. Raises LastSuperuser.
    """
    with transaction.atomic():
        # Of two superusers who leave at the same moment the second finds that nobody else is left.
        # (Without FOR NO KEY UPDATE a worker that stores a picture of theirs would wait for us, and we for it.)
        list(User.objects.select_for_update(no_key=True).filter(is_superuser=True).order_by("pk"))
        if is_last_superuser(user):
            raise LastSuperuser
        services.cancel_all(user=user)
        for session in UserSession.objects.filter(user=user):
            session.end()
        deleted = User.objects.get(pk=user.pk).delete()[1]
        transaction.on_commit(partial(events.close_sockets, user.pk), robust=True)
    pictures = deleted.get(Image._meta.label, 0)
    logger.info("%s closed their account; %d pictures went with it.", user.get_username(), pictures)
    return pictures
