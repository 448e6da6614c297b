"""The administration of people: accounts that wait, quotas, API tokens and invitations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField, QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from generation import events
from generation.admin import GroupQuotaInline, UserQuotaInline
from zimageweb import signup
from zimageweb.models import ApiToken, Invitation

# Imported above, django.contrib.auth.admin has registered its own.
admin.site.unregister([User, Group])


_POWERS = ("is_superuser", "is_staff", "groups", "user_permissions")


class WaitingFilter(admin.SimpleListFilter):
    title = _("approval")
    parameter_name = "approval"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("waiting", str(_("Waiting")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(pk__in=signup.waiting_for_approval()) if self.value() == "waiting" else queryset


# Groups and permissions are boxes to tick: Django's two lists with arrows between them break WCAG 2.2 AA.
_TICKED: dict[Any, Any] = {ManyToManyField: {"widget": CheckboxSelectMultiple}}


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    list_display = ("username", "email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = (WaitingFilter, *DjangoUserAdmin.list_filter)
    date_hierarchy = "date_joined"
    ordering = ("-date_joined",)
    actions = ("approve",)
    inlines = (UserQuotaInline,)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    formfield_overrides = _TICKED

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Whoever may change people must not be able to make themselves, or others, more than they are."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Of a superuser only another superuser changes anything, the password above all."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            events.close_sockets(obj.pk)

    @admin.action(description=_("Approve: let the selected people sign in"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        waiting = list(queryset.filter(pk__in=signup.waiting_for_approval()))
        count = signup.approve(queryset)
        for user in waiting:
            self.log_change(request, user, str(_("Approved.")))
        message = ngettext("%(count)d account was approved.", "%(count)d accounts were approved.", count)
        self.message_user(request, message % {"count": count}, messages.SUCCESS if count else messages.WARNING)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    filter_horizontal = ()
    formfield_overrides = _TICKED
    inlines = (GroupQuotaInline,)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin[ApiToken]):
    list_display = ("__str__", "user", "created_at", "used_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    raw_id_fields = ("user",)
    fields = ("user", "name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Who makes a token for another person can act as that person.
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        token = obj.draw()
        super().save_model(request, obj, form, change)
        text = gettext("The token of {user} is {token}. Copy it now: it is not shown again.")
        self.message_user(request, format_html(text, user=obj.user, token=token), messages.WARNING)


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin[Invitation]):
    list_display = ("__str__", "created_at", "expires_at", "used_by", "shown_link")
    list_select_related = ("used_by",)
    search_fields = ("note", "used_by__username")
    fields = ("note", "expires_at", "used_by", "shown_link")
    readonly_fields = ("used_by", "shown_link")

    @admin.display(description=_("link"))
    def shown_link(self, invitation: Invitation) -> str:
        return invitation.link if invitation.pk and invitation.is_open else "–"
