from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from gallery.models import Archive


class GenerationConfig(AppConfig):
    name = "generation"
    verbose_name = _("Generation")

    def ready(self) -> None:
        from gallery.signals import archive_finished, images_marked, images_moved

        user_logged_out.connect(close_live_pages, dispatch_uid="generation.close_live_pages")
        archive_finished.connect(tell_of_archive, dispatch_uid="generation.tell_of_archive")
        images_marked.connect(tell_of_marks, dispatch_uid="generation.tell_of_marks")
        images_moved.connect(tell_live_pages, dispatch_uid="generation.tell_live_pages")


def close_live_pages(sender: Any, request: HttpRequest, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    """A WebSocket outlives the session it was opened with, so signing out has to end it. Only the signal knows:
    people sign out through allauth, the admin, or by losing their session."""
    from generation import events

    if user is not None:
        events.close_sockets(user.pk, request.session.session_key)


def tell_live_pages(sender: Any, owner_id: int, deleted: list[UUID], restored: list[UUID], **kwargs: Any) -> None:
    """The gallery knows no events: a picture deleted in one tab leaves the others through here."""
    from generation import events

    events.images_moved(owner_id, deleted=deleted, restored=restored)


def tell_of_marks(sender: Any, owner_id: int, ids: list[UUID], favourite: bool, **kwargs: Any) -> None:
    from generation import events

    events.images_marked(owner_id, ids, favourite=favourite)


def tell_of_archive(sender: Any, archive: Archive, **kwargs: Any) -> None:
    from gallery.archive_api import as_json
    from generation import events

    events.archive_finished(archive.owner_id, as_json(archive))
