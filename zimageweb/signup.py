"""Who may make an account: `SIGNUP` is closed, invite, approval (the account waits for staff) or open."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import render

from zimageweb.models import Invitation

_SESSION_KEY = "invitation"


def waiting_for_approval() -> QuerySet[User]:
    """Accounts that nobody has let in yet. One that was switched off later has been used before, in a browser or,
    with a token, by a program."""
    return User.objects.filter(is_active=False, last_login=None, api_tokens=None)


def approve(users: QuerySet[User]) -> int:
    """Let in those of `users` who wait; the others stay as they are. How many it were."""
    return users.filter(pk__in=waiting_for_approval()).update(is_active=True)


class SignupAdapter(DefaultAccountAdapter):
    """allauth's account rules under this site's policy."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        if settings.SIGNUP != "invite":
            return bool(settings.SIGNUP != "closed")
        # The link brings the code once; the session carries it through the form.
        if code := request.GET.get("invitation", "").replace("\0", ""):  # PostgreSQL refuses NUL
            request.session[_SESSION_KEY] = code
        return Invitation.objects.open().filter(code=request.session.get(_SESSION_KEY, "")).exists()

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        # Hashing the password takes a good part of a second: it must not be done while holding the write lock.
        super().save_user(request, user, form, commit=False)
        user.is_active = settings.SIGNUP != "approval"
        if commit:
            with transaction.atomic():
                user.save()
                if settings.SIGNUP == "invite":
                    self._use_invitation(request, user)
        return user

    def _use_invitation(self, request: HttpRequest, user: User) -> None:
        code = request.session.pop(_SESSION_KEY, "")
        if Invitation.objects.open().filter(code=code).update(used_by=user) != 1:
            # Two people filled in the form with the same link: the second account is rolled back.
            raise ImmediateHttpResponse(render(request, "account/signup_closed.html", status=403))
