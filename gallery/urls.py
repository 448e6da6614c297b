"""Addresses below /gallery/."""

from __future__ import annotations

from django.urls import path

from gallery import album_views, archive_views, density, views

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("bin/", views.recycle_bin, name="bin"),
    path("favourite/", views.favourites, name="gallery_favourite"),
    path("delete/", views.delete, name="gallery_delete"),
    path("restore/", views.restore, name="gallery_restore"),
    path("albums/", album_views.create, name="album_create"),
    path("albums/new/", album_views.add_to_new, name="album_add_to_new"),
    path("albums/<uuid:pk>/add/", album_views.add, name="album_add"),
    path("albums/<uuid:pk>/remove/", album_views.remove, name="album_remove"),
    path("albums/<uuid:pk>/rename/", album_views.rename, name="album_rename"),
    path("albums/<uuid:pk>/cover/", album_views.cover, name="album_cover"),
    path("albums/<uuid:pk>/delete/", album_views.delete, name="album_delete"),
    path("albums/<uuid:pk>/zip/", archive_views.of_album, name="album_zip"),
    path("zip/", archive_views.index, name="archives"),
    path("zip/<uuid:pk>/delete/", archive_views.delete, name="archive_delete"),
    path("density/", density.choose, name="gallery_density"),
    path("<uuid:pk>/", views.image, name="image"),
    path("<uuid:pk>/favourite/", views.favourite, name="favourite"),
]
