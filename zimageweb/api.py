"""The JSON API: the routers of the rooms put together."""

from __future__ import annotations

from ninja import NinjaAPI

from gallery.album_api import router as album_router
from gallery.api import router as gallery_router
from gallery.archive_api import router as archive_router
from generation.api import router as generation_router
from generation.input_api import router as input_router
from generation.queue_api import router as queue_router
from zimageweb import problems
from zimageweb.credentials import BearerToken, BrowserSession

api = NinjaAPI(
    title="Zimageweb",
    version="1",
    urls_namespace="api",
    auth=[BearerToken(), BrowserSession()],
)
problems.register(api)
api.add_router("", generation_router)
api.add_router("", gallery_router)
api.add_router("", input_router)
api.add_router("", queue_router)
api.add_router("", album_router)
api.add_router("", archive_router)
