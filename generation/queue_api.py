"""What can be done in the queue: change the order of one's own, and for staff, cancel other people's."""

from __future__ import annotations

from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router

from generation import rate_limit, services, snapshot
from generation.models import Batch, Generation
from generation.schemas import Cancelled, Move, Order

router = Router(tags=["queue"])


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  the API's authentication has made sure
    return request.user


@router.post("batches/{uuid:pk}/move", response=Order, summary="Draw what waits of a batch before another of one's own")
def move_batch(request: HttpRequest, pk: UUID, where: Move) -> dict[str, list[str]]:
    user = _user(request)
    rate_limit.take(user.pk)
    own = Batch.objects.select_related("user").filter(user=user)
    batch = get_object_or_404(own, pk=pk)
    if where.before and not own.filter(pk=where.before).exists():
        raise Http404
    return {"batches": [str(pk) for pk in services.move_batch(batch=batch, before=where.before)]}


@router.post("queue/{int:pk}/cancel", response=Cancelled, summary="Cancel anybody's generation (staff)")
def cancel(request: HttpRequest, pk: int) -> dict[str, int]:
    """For those who may do the same in the administration, where it is logged too. To others it is not there."""
    user = _user(request)
    if not snapshot.may_cancel_for_others(user) or pk >= 2**63:
        raise Http404
    row = get_object_or_404(Generation.objects.active().select_related("user"), pk=pk)
    services.cancel(generation=row)
    LogEntry.objects.log_actions(user.pk, [row], CHANGE, _("cancelled"), single_object=True)
    return {"cancelled": 1}
