"""Images in the admin: staff look and remove. A removed row takes its files with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gallery import services
from gallery.models import Image, ImageQuerySet

if TYPE_CHECKING:
    ImageModelAdmin = admin.ModelAdmin[Image]
else:
    ImageModelAdmin = admin.ModelAdmin

PREVIEW_SIDE = 64  # pixels, in the list
PICTURE_SIDE = 512

_READ_ONLY = [
    "picture",
    "owner",
    "prompt",
    "style",
    "size",
    "steps",
    "guidance",
    "seed",
    "model",
    "seconds",
    "created_at",
    "stored",
    "deleted_at",
    "restored_at",
    "record",
]


class PlaceFilter(admin.SimpleListFilter):
    title = _("place")
    parameter_name = "place"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("kept", _("gallery")), ("bin", _("bin"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "bin":
            return queryset.in_bin()
        return queryset.kept() if self.value() == "kept" else queryset


class StyleFilter(admin.AllValuesFieldListFilter):
    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or self.empty_value_display}


@admin.register(Image)
class ImageAdmin(ImageModelAdmin):
    list_display = ["preview", "short_prompt", "owner", "size", "favourite", "created_at", "deleted_at", "stored"]
    list_display_links = ["preview", "short_prompt"]
    list_filter = [
        PlaceFilter,
        "favourite",
        "created_at",
        ("style", StyleFilter),
        ("owner", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["owner"]
    list_per_page = 50
    search_fields = ["prompt", "owner__username"]
    date_hierarchy = "created_at"
    actions = ["move_to_bin", "restore"]
    fields = ["favourite", *_READ_ONLY]
    readonly_fields = _READ_ONLY

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # pictures are drawn, not uploaded

    @admin.display(description=_("image"))
    def preview(self, image: Image) -> SafeString:
        return _picture(image, 256, PREVIEW_SIDE)

    @admin.display(description=_("image"))
    def picture(self, image: Image) -> SafeString:
        return format_html('<a href="{}">{}</a>', image.file_url, _picture(image, 512, PICTURE_SIDE))

    @admin.display(description=_("prompt"), ordering="prompt")
    def short_prompt(self, image: Image) -> str:
        return image.prompt if len(image.prompt) <= 80 else f"{image.prompt[:79]}…"

    @admin.display(description=_("size"), ordering="width")
    def size(self, image: Image) -> str:
        return f"{image.width} × {image.height}"

    @admin.display(description=_("stored"), ordering="bytes")
    def stored(self, image: Image) -> str:
        return filesizeformat(image.bytes)

    @admin.action(description=_("Move to the bin"), permissions=["change"])
    def move_to_bin(self, request: HttpRequest, queryset: ImageQuerySet) -> None:
        count = sum(len(services.move_to_bin(user=owner, ids=ids)) for owner, ids in _by_owner(queryset))
        sentence = ngettext("%(count)s picture is in the bin.", "%(count)s pictures are in the bin.", count)
        self.message_user(request, sentence % {"count": count}, messages.SUCCESS)

    @admin.action(description=_("Restore from the bin"), permissions=["change"])
    def restore(self, request: HttpRequest, queryset: ImageQuerySet) -> None:
        count = sum(len(services.restore(user=owner, ids=ids)) for owner, ids in _by_owner(queryset))
        sentence = ngettext(
            "%(count)s picture is back in the gallery.", "%(count)s pictures are back in the gallery.", count
        )
        self.message_user(request, sentence % {"count": count}, messages.SUCCESS)


def _by_owner(images: ImageQuerySet) -> Iterator[tuple[User, list[UUID]]]:
    found = defaultdict(list)
    for pk, owner_id in images.values_list("pk", "owner_id"):
        found[owner_id].append(pk)
    for owner in User.objects.filter(pk__in=found):
        yield owner, found[owner.pk]


def _picture(image: Image, side: int, room: int) -> SafeString:
    """The thumbnail fitted into a square of `room` pixels; by attributes, as the site allows no inline styles."""
    scale = room / max(image.width, image.height)
    return format_html(
        '<img src="{}" width="{}" height="{}" alt="{}" loading="lazy">',
        image.thumbnail_urls[side],
        max(1, round(image.width * scale)),
        max(1, round(image.height * scale)),
        image.prompt[:200],
    )
