"""`/metrics`: what the site does, for Prometheus.

Read from the database at each scrape, so that any web process gives the same answer and a restart forgets nothing. The
queries are the dashboard's (`generation.figures`) and one for what is being drawn. No figure says anything of a single
person.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from generation.figures import Drawn, Painter, Storage, figures
from generation.models import Generation, Worker
from zimageweb.health import stranger_name

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Open like the probes, unless METRICS_TOKEN is set. Workers have their names only for who sends that token."""
    token = settings.METRICS_TOKEN
    if token and not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}"):
        refused = HttpResponse("Send the METRICS_TOKEN as a bearer token.\n", status=401, content_type="text/plain")
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    registry = CollectorRegistry()
    try:
        registry.register(_Site(names=bool(token)))
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(registry), content_type=content_type)
    except DatabaseError as error:
        logger.warning("Metrics cannot be read: %s", error)
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")


class _Site(Collector):
    def __init__(self, *, names: bool) -> None:
        self._names = names

    def describe(self) -> list[Metric]:
        """Nothing: a registry that knows no names beforehand does not collect once more to learn them."""
        return []

    def collect(self) -> Iterator[Metric]:
        found = figures(generations=True, images=True, workers=True)
        if found.drawn:
            yield from _line(found.drawn)
        if found.storage:
            yield from _storage(found.storage)
        yield from _workers(found.painters or [], names=self._names)


def _line(drawn: Drawn) -> Iterator[Metric]:
    pictures = GaugeMetricFamily("zimageweb_queue_pictures", "Pictures that wait or are being drawn", labels=["state"])
    pictures.add_metric(["queued"], drawn.queue.pictures)
    pictures.add_metric(["running"], Generation.objects.running().count())
    yield pictures
    yield GaugeMetricFamily("zimageweb_queue_people", "People who wait for pictures", value=drawn.queue.people)
    ended = GaugeMetricFamily("zimageweb_pictures_today", "Pictures since the site's midnight", labels=["state"])
    ended.add_metric(["succeeded"], drawn.today)
    ended.add_metric(["failed"], drawn.failed_today)
    yield ended
    waits = GaugeMetricFamily(
        "zimageweb_wait_seconds", "From asking to being drawn, of today's latest pictures", labels=["quantile"]
    )
    for quantile, seconds in (("0.5", drawn.waits.median), ("0.95", drawn.waits.p95)):
        if seconds is not None:
            waits.add_metric([quantile], seconds)
    yield waits


def _storage(storage: Storage) -> Iterator[Metric]:
    yield GaugeMetricFamily("zimageweb_pictures_bytes", "All pictures, those in the bin too", value=storage.used)
    if storage.room is not None:
        yield GaugeMetricFamily("zimageweb_disk_used_bytes", "Of the disk with the pictures", value=storage.room.used)
        yield GaugeMetricFamily("zimageweb_disk_total_bytes", "Of the disk with the pictures", value=storage.room.total)


def _workers(painters: list[Painter], *, names: bool) -> Iterator[Metric]:
    states = Counter("silent" if painter.is_silent else painter.worker.state for painter in painters)
    doing = GaugeMetricFamily("zimageweb_workers", "Workers by what they do", labels=["state"])
    for state in [*Worker.State.values, "silent"]:
        doing.add_metric([state], states[state])
    yield doing
    labels = ["worker", "device"]
    drawn = CounterMetricFamily("zimageweb_worker_pictures", "Pictures drawn since it started", labels=labels)
    used = GaugeMetricFamily("zimageweb_worker_memory_used_bytes", "After its last picture", labels=labels)
    total = GaugeMetricFamily("zimageweb_worker_memory_total_bytes", "Of its device", labels=labels)
    speed = GaugeMetricFamily("zimageweb_worker_picture_seconds", "For a square picture of its model", labels=labels)
    for number, painter in enumerate(painters, 1):
        worker = painter.worker
        label = [worker.name if names else stranger_name(number), painter.device]
        drawn.add_metric(label, worker.drawn)
        if worker.device_state:
            used.add_metric(label, worker.device_state["used"])
            total.add_metric(label, worker.device_state["total"])
        if painter.seconds is not None:
            speed.add_metric(label, painter.seconds)
    yield from (drawn, used, total, speed)
