"""Pages of this room, at the top of the site."""

from __future__ import annotations

from django.urls import path

from generation import views

urlpatterns = [
    path("", views.create, name="create"),
    path("queue/", views.queue, name="queue"),
]
