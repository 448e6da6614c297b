from gallery.models.album import Album, AlbumEntry, AlbumQuerySet
from gallery.models.archive import Archive, ArchiveQuerySet
from gallery.models.image import (
    INPUT_KEPT,
    THUMBNAIL_SIDES,
    Image,
    ImageQuerySet,
    Input,
    InputQuerySet,
    image_path,
    input_path,
)

__all__ = [
    "INPUT_KEPT",
    "THUMBNAIL_SIDES",
    "Album",
    "AlbumEntry",
    "AlbumQuerySet",
    "Archive",
    "ArchiveQuerySet",
    "Image",
    "ImageQuerySet",
    "Input",
    "InputQuerySet",
    "image_path",
    "input_path",
]
