"""Addresses below /gallery/."""

from __future__ import annotations

from django.urls import path

from gallery import views

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("bin/", views.recycle_bin, name="bin"),
    path("delete/", views.delete, name="gallery_delete"),
    path("restore/", views.restore, name="gallery_restore"),
    path("<uuid:pk>/", views.image, name="image"),
    path("<uuid:pk>/favourite/", views.favourite, name="favourite"),
]
