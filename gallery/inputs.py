"""Pictures that people bring to start from: how a file becomes an `Input`, what a reference names, how long they stay.

Owns what a stranger's file may cost: nothing is decoded before its header has said how many pixels that makes. An input
stays for a day after its last use; those that another room still needs stay longer, and who that is, this room asks by
the name in the settings.

A reference is `<id>` of an input, or `image:<id>` of a picture in the gallery.
"""

from __future__ import annotations

import datetime as dt
import io
import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from typing import IO

import PIL.Image
import PIL.ImageOps
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from gallery.metadata.texts import BROKEN, FORMATS, NotAPicture
from gallery.models import INPUT_KEPT, Image, Input, InputQuerySet
from gallery.services import chunks

MOST_PIXELS = 50_000_000
LONGEST_SIDE = 4_096  # pixels; larger ones are scaled down, for no model draws as large
_decoding = threading.BoundedSemaphore(2)  # one of MOST_PIXELS takes half a gigabyte meanwhile


class TooManyPixels(Exception):
    """The picture would take too much memory; `str()` is a sentence for the person."""


class NotThere(Exception):
    """What a reference names does not exist, or its file does not."""


def keep(*, owner_id: int, file: IO[bytes]) -> Input:
    """Store a PNG, JPEG or WebP as an upright PNG without any of its metadata. Raises NotAPicture, TooManyPixels."""
    with _decoding:
        picture = _decoded(file)
    png = io.BytesIO()
    picture.save(png, "PNG", compress_level=1)
    kept = Input(owner_id=owner_id, width=picture.width, height=picture.height, bytes=png.tell())
    kept.file.save(f"{kept.pk}.png", ContentFile(png.getvalue()), save=False)
    try:
        kept.save(force_insert=True)
    except BaseException:
        kept.file.delete(save=False)
        raise
    return kept


def _decoded(file: IO[bytes]) -> PIL.Image.Image:
    try:
        with PIL.Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                message = _("The picture has %(pixels).1f megapixels; the limit is %(limit)d.")
                raise TooManyPixels(
                    message % {"pixels": picture.width * picture.height / 1e6, "limit": MOST_PIXELS / 1e6}
                )
            picture.load()
            upright = _plain(PIL.ImageOps.exif_transpose(picture))
    except BROKEN as error:
        raise NotAPicture(_("This file cannot be read as a PNG, JPEG or WebP picture.")) from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), PIL.Image.Resampling.LANCZOS)
    upright.info.clear()
    return upright


def _plain(picture: PIL.Image.Image) -> PIL.Image.Image:
    """As RGB, or L where there is no colour; what is transparent becomes white."""
    if picture.mode.startswith("I"):  # 16 bits a pixel
        return picture.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = PIL.Image.new("RGBA", clear.size, "white")
        picture.alpha_composite(clear)
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


# -- references -------------------------------------------------------------------------------------------------------


def find(owner_id: int, reference: str) -> Input | Image:
    """The person's own input or image of that name. Raises NotThere."""
    kind, _colon, name = reference.rpartition(":")
    try:
        pk = uuid.UUID(name)
    except ValueError:
        raise NotThere(reference) from None
    found: Input | Image | None = None
    if kind == "image":
        found = Image.objects.filter(owner_id=owner_id, pk=pk).first()
    elif not kind:
        found = Input.objects.filter(owner_id=owner_id, pk=pk).first()
    if found is None:
        raise NotThere(reference)
    return found


def use(found: Input | Image) -> None:
    """Note that an input is used now, in the caller's transaction: no sweep takes it then. Raises NotThere."""
    if isinstance(found, Input) and not Input.objects.filter(pk=found.pk).update(used_at=timezone.now()):
        raise NotThere(str(found.pk))


def opened(owner_id: int, reference: str) -> PIL.Image.Image:
    """The decoded picture that a reference names. Raises NotThere."""
    found = find(owner_id, reference)
    try:
        with found.file.open() as file, PIL.Image.open(file) as picture:
            picture.load()
            return picture.copy()
    except FileNotFoundError:
        raise NotThere(reference) from None


# -- how long they stay -----------------------------------------------------------------------------------------------


def overdue(now: dt.datetime, owner_id: int | None = None) -> InputQuerySet:
    """Inputs that nobody has used for a day and that nobody needs."""
    needed: Callable[[], Collection[uuid.UUID]] = import_string(settings.INPUTS_NEEDED)
    found = Input.objects.filter(used_at__lt=now - INPUT_KEPT).exclude(pk__in=list(needed()))
    return found if owner_id is None else found.filter(owner_id=owner_id)


def purge(ids: Iterable[uuid.UUID], now: dt.datetime) -> tuple[int, int]:
    """Delete those of `ids` that are still overdue, rows and files; how many, and their bytes."""
    number = size = 0
    for chunk in chunks(ids):
        with transaction.atomic():
            rows = Input.objects.filter(pk__in=chunk, used_at__lt=now - INPUT_KEPT).order_by("pk").select_for_update()
            locked = [row.pk for row in rows]  # before asking who needs them: a request that uses one locks it too
            going = overdue(now).filter(pk__in=locked)
            size += sum(going.values_list("bytes", flat=True))
            number += going.delete()[1].get(Input._meta.label, 0)
    return number, size
