"""Generations, quotas and workers for staff."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gallery.models import Image
from generation import services, styles
from generation.exceptions import GenerationError
from generation.models import Generation, LedgerEntry, Quota, State, Style, Worker


class _QuotaInline(admin.StackedInline[Quota, Any]):
    model = Quota
    extra = 0
    max_num = 1
    fields = (
        ("pictures_per_day", "pictures_per_month"),
        ("queued_at_once", "running_at_once", "weight"),
        ("max_megapixels", "max_steps"),
        ("stored_megabytes", "retention_days"),
    )
    verbose_name_plural = _("quota (empty: the group's, else the site's)")


class UserQuotaInline(_QuotaInline):
    fk_name = "user"


class GroupQuotaInline(_QuotaInline):
    fk_name = "group"
    verbose_name_plural = _("quota (empty: the site's)")


class _ReadOnly(admin.ModelAdmin[Any]):
    """Rows that only the queue and its workers may write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Generation)
class GenerationAdmin(_ReadOnly):
    list_display = ("id", "user", "state", "progress", "excerpt", "size", "worker", "attempt", "created_at")
    list_filter = ("state", "worker", "created_at")
    list_select_related = ("user",)
    search_fields = ("prompt", "user__username")
    date_hierarchy = "created_at"
    actions = ("cancel_selected", "retry_selected")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not one by one, because usage is counted from these rows; only together with their person."""
        here = (request.resolver_match and request.resolver_match.url_name) or ""
        return not here.startswith("generation_generation_") and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Acting needs the permission to change, although no field can be edited."""
        if not request.user.has_perm("generation.change_generation"):
            return {}
        return super().get_actions(request)

    @admin.display(description=_("step"))
    def progress(self, row: Generation) -> str:
        return f"{row.step} / {row.steps}"

    @admin.display(description=_("size"))
    def size(self, row: Generation) -> str:
        return f"{row.width} × {row.height}"

    @admin.display(description=_("prompt"))
    def excerpt(self, row: Generation) -> str:
        return row.prompt if len(row.prompt) <= 60 else f"{row.prompt[:59]}…"

    @admin.action(description=_("Cancel the selected generations"))
    def cancel_selected(self, request: HttpRequest, rows: QuerySet[Generation]) -> None:
        active = list(rows.filter(state__in=(State.QUEUED, State.RUNNING)).select_related("user"))
        for row in active:
            services.cancel(generation=row)
            self.log_change(request, row, str(_("cancelled")))
        self.message_user(
            request, ngettext("%d generation cancelled.", "%d generations cancelled.", len(active)) % len(active)
        )

    @admin.action(description=_("Retry the selected generations"))
    def retry_selected(self, request: HttpRequest, rows: QuerySet[Generation]) -> None:
        """Their owners asked for them, so their owners' quota pays."""
        tried = 0
        for row in rows.filter(state__in=(State.FAILED, State.CANCELLED)).select_related("user"):
            owner: User = row.user
            try:
                services.retry(user=owner, generation=row)
            except GenerationError as refused:
                self.message_user(request, f"#{row.pk}: {refused}", messages.WARNING)
            else:
                tried += 1
                self.log_change(request, row, str(_("retried")))
        self.message_user(request, ngettext("%d generation queued.", "%d generations queued.", tried) % tried)


@admin.register(Worker)
class WorkerAdmin(_ReadOnly):
    list_display = ("name", "lamp", "state", "model_name", "device", "memory", "drawn", "last_drawn_at", "seen_at")

    @admin.display(description=_("alive"), boolean=True)
    def lamp(self, worker: Worker) -> bool:
        return worker.is_alive

    @admin.display(description=_("model"))
    def model_name(self, worker: Worker) -> str:
        return str(worker.card.get("name", "–"))

    @admin.display(description=_("device"))
    def device(self, worker: Worker) -> str:
        address = worker.device_state.get("address", "")
        return format_html("{} {} {}", worker.card.get("device", "–"), worker.card.get("dtype", ""), address)

    @admin.display(description=_("memory"))
    def memory(self, worker: Worker) -> str:
        """Used, and in all."""
        used, total = worker.device_state.get("used"), worker.device_state.get("total")
        return f"{used / 2**30:.1f} / {total / 2**30:.1f} GiB" if total else "–"


@admin.register(Quota)
class QuotaAdmin(admin.ModelAdmin[Quota]):
    list_display = ("__str__", "pictures_per_day", "pictures_per_month", "queued_at_once", "stored_megabytes", "weight")
    list_select_related = ("user", "group")
    raw_id_fields = ("user", "group")  # the list to search in writes styles into the page and has no name


@admin.register(LedgerEntry)
class LedgerAdmin(_ReadOnly):
    """Who was charged what, and why it was given back."""

    list_display = ("created_at", "user", "pictures", "reason", "generation")
    list_filter = ("reason", "created_at")
    list_select_related = ("user", "generation")
    search_fields = ("user__username",)
    date_hierarchy = "created_at"
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only together with the person whose it is."""
        here = (request.resolver_match and request.resolver_match.url_name) or ""
        return not here.startswith("generation_ledgerentry_") and super().has_delete_permission(request, obj)


@admin.register(Style)
class StyleAdmin(admin.ModelAdmin[Style]):
    """Styles that pictures name can be taken off the page but not deleted."""

    list_display = ("label", "label_zh", "key", "template", "position", "is_active")
    list_editable = ("position", "is_active")
    list_filter = ("is_active",)

    def get_readonly_fields(self, request: HttpRequest, obj: Style | None = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleted one by one, where each can be looked at."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Style | None = None) -> bool:
        used = obj is not None and (
            Generation.objects.filter(style=obj.key).exists() or Image.objects.filter(style=obj.key).exists()
        )
        return not used and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Style, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        styles.forget()

    def delete_model(self, request: HttpRequest, obj: Style) -> None:
        super().delete_model(request, obj)
        styles.forget()
