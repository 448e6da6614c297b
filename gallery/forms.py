"""What the pages and forms here have in common: whom they are open to, what was ticked, where they lead back to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from gallery.schemas import MOST_IDS

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_htmx.middleware import HtmxDetails


class PageRequest(HttpRequest):
    """A request of somebody who is signed in; for type checkers."""

    if TYPE_CHECKING:
        user: User
        htmx: HtmxDetails


def signed_in(view: Callable[[PageRequest], HttpResponse]) -> Callable[[PageRequest], HttpResponse]:
    """Django's `login_required`, but a script that asks for further pictures gets 401: it would follow a redirect
    without knowing, and put the form for signing in among the pictures."""
    page = login_required(view)

    @wraps(view)
    def answer(request: PageRequest) -> HttpResponse:
        if request.htmx and not request.user.is_authenticated:
            return HttpResponse(status=401)
        return page(request)

    return answer


def chosen(form: QueryDict) -> list[UUID]:
    """The ids of the ticked pictures; what is none is passed over."""
    found = []
    for text in [*form.getlist("ids"), *form.getlist("ids[]")][:MOST_IDS]:
        try:
            found.append(UUID(text))
        except ValueError:  # not one of ours
            continue
    return found


def back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To the page that the form names in `next`, if it is one of this site."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return HttpResponseRedirect(wanted)  # an address as it stands; `redirect` might take it for a view's name
    return redirect(otherwise)
