"""Entry point of every web process: HTTP to Django, WebSockets to Channels. Imports no torch."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zimageweb.settings")
django_application = get_asgi_application()  # loads the apps: what follows needs them

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from generation.routing import websocket_urlpatterns  # noqa: E402
from zimageweb.closed_sockets import ClosedDuringMaintenance  # noqa: E402
from zimageweb.sockets import BearerToken, PreferredLanguage  # noqa: E402
from zimageweb.threads import SharedThreads  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": SharedThreads(django_application, ("/api/predict", "/v1/images/")),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(
                BearerToken(ClosedDuringMaintenance(PreferredLanguage(URLRouter(websocket_urlpatterns))))
            )
        ),
    }
)
