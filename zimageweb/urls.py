"""Addresses of the site."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog

from zimageweb import gradio, health, metrics, openai, views
from zimageweb.api import api

admin.site.site_header = admin.site.site_title = settings.SITE_NAME
# Django's own login page knows neither the second factor nor the limits on guessing.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.index_title = _("Administration")

urlpatterns = [
    path("", include("generation.urls")),
    path("gallery/", include("gallery.urls")),
    path("accounts/", views.account, name="account"),
    path("accounts/tokens/", views.create_api_token, name="create_api_token"),
    path("accounts/tokens/<int:pk>/revoke/", views.revoke_api_token, name="revoke_api_token"),
    path("accounts/theme/", views.set_theme, name="set_theme"),
    path("accounts/keys/", views.set_keys, name="set_keys"),
    path("accounts/delete/", views.delete_account, name="delete_account"),
    path("accounts/", include("allauth.urls")),
    path("admin/rq/", include("django_rq.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("api/", gradio.api.urls),
    path("v1/", openai.api.urls),
    path("health", health.live, name="health"),
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("health/workers", health.workers, name="health_workers"),
    path("metrics", metrics.metrics, name="metrics"),
    path("i18n/setlang/", views.set_language, name="set_language"),
    path("i18n/script.js", JavaScriptCatalog.as_view(packages=["zimageweb"]), name="javascript_catalog"),
]

handler400 = "zimageweb.views.bad_request"
handler403 = "zimageweb.views.permission_denied"
handler404 = "zimageweb.views.page_not_found"
handler429 = "zimageweb.views.too_many_requests"  # only allauth knows this one
handler500 = "zimageweb.views.server_error"
