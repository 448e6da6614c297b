"""Texts of allauth that people meet here and that our Chinese catalogue words better than allauth's own does.

Nothing reads this list while the site runs: `make messages` finds the texts in it, and what our catalogue says of them
goes before what allauth's says. English stays as it is.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from django.utils.translation import pgettext_lazy

TEXTS = (
    # signing in and up
    pgettext_lazy("field label", "Login"),
    _("Username or email"),
    _("Email"),
    _("Email address"),
    _("Email (optional)"),
    # e-mail addresses
    _("Email Addresses"),
    _("The following email addresses are associated with your account:"),
    _(
        "You currently do not have any email address set up. You should really add an email address so you can receive "
        "notifications, reset your password, etc."
    ),
    _("Primary"),
    _("Re-send Verification"),
    _("Add Email Address"),
    _("Add Email"),
    _("Do you really want to remove the selected email address?"),
    _("You cannot remove your primary email address (%(email)s)."),
    _("You have confirmed %(email)s."),
    _("Removed email address %(email)s."),
    _("Primary email address set."),
    _("Confirm Email Address"),
    _("Verify Your Email Address"),
    _("Please Confirm Your Email Address"),
    _("Your email has been confirmed."),
    _("Email Changed"),
    _("Email Confirmation"),
    _("Email Removed"),
    _("Email address %(deleted_email)s has been removed from your account."),
    # two-factor authentication
    _("Please reauthenticate to safeguard your account."),
    _("Two-Factor Authentication"),
    _("You cannot activate two-factor authentication until you have verified your email address."),
    _("Your account is protected by two-factor authentication. Please enter an authenticator code:"),
    _("A new set of Two-Factor Authentication recovery codes has been generated."),
)
