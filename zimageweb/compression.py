"""Pages are sent compressed: a page of the gallery repeats its markup for each picture.

Only HTML: pictures and ZIP files are compressed already and are read in parts, static files are packed beforehand.
Against guessing secrets by the length of a compressed page, Django masks its CSRF tokens anew in every answer and
pads each page by a random length.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressionMiddleware(GZipMiddleware):
    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
