"""What probes and operators ask: is the process up, can it serve, which workers are there.

Every answer is JSON, never cached, needs no sign-in and names no secret. With the database down the answer is a quick
503 and a reason, not a page that hangs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from typing import Any

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from generation.models import Worker
from zimageweb import embedded_redis, storage_space

logger = logging.getLogger(__name__)

_DATABASE_SECONDS = 2.0

# Once all migrations of this code are applied they stay applied: later probes need not read them all again.
_schema_is_current = False


class NotReady(Exception):
    """One check failed; `str()` is the reason in one sentence."""


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when people can be served, else 503; either way with one sentence or "ok" for each check."""
    checks: dict[str, Callable[[], None]] = {"database": _check_database}
    checks |= {"migrations": _check_migrations, "redis": _check_redis, "disk": _check_disk}
    if settings.READY_NEEDS_WORKER:
        checks["worker"] = _check_worker
    found: dict[str, str] = {}
    for name, check in checks.items():
        if name in {"migrations", "worker"} and found["database"] != "ok":
            found[name] = "Not checked, as the database does not answer."
        else:
            found[name] = _outcome(name, check)
    failed = any(outcome != "ok" for outcome in found.values())
    return JsonResponse({"status": "unavailable" if failed else "ok", "checks": found}, status=503 if failed else 200)


@require_safe
@never_cache
def workers(request: HttpRequest) -> JsonResponse:
    """Every worker as it last described itself. A worker is named after its host, which strangers do not learn."""
    try:
        _check_database()
        rows = list(Worker.objects.all())
        signed_in = request.user.is_authenticated
    except (DatabaseError, NotReady) as error:
        logger.warning("Workers cannot be listed: %s", error)
        return JsonResponse({"status": "unavailable", "detail": "The database does not answer."}, status=503)
    return JsonResponse(
        {
            "workers": [
                _describe(row) | (_details(row) if signed_in else {"name": stranger_name(number)})
                for number, row in enumerate(rows, 1)
            ],
            "ready": sum(row.is_ready for row in rows),
        }
    )


def stranger_name(number: int) -> str:
    """What the worker so far down the list is called where its own name, which is its host's, is not told."""
    return f"worker-{number}"


def _describe(worker: Worker) -> dict[str, Any]:
    return {
        "name": worker.name,
        "state": worker.state,
        "progress": worker.progress,
        "device": worker.card.get("device"),
        "model": worker.card.get("name"),
        "drawn": worker.drawn,
        "seen_at": worker.seen_at.isoformat(),
        "alive": worker.is_alive,
        "address": worker.device_state.get("address"),
        "memory_used": worker.device_state.get("used"),
        "memory_total": worker.device_state.get("total"),
        "last_drawn_at": worker.last_drawn_at.isoformat() if worker.last_drawn_at else None,
    }


def _details(worker: Worker) -> dict[str, Any]:
    """What names machines, processes and paths, and so is not for strangers."""
    return {"host": worker.host, "pid": worker.pid, "message": worker.message, "plan": worker.card.get("plan", "")}


def _outcome(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except NotReady as reason:
        return str(reason)
    except DatabaseError:
        logger.exception("The readiness check %r failed", name)
        return "The database does not answer."
    return "ok"


def _check_database() -> None:
    """Ask the database something, but do not wait for it as long as a person's request may."""
    try:
        if pool := getattr(connection, "pool", None):
            # Django would wait for the pool's own, longer, time-out.
            pool.open()
            with connection.wrap_database_errors, pool.connection(timeout=_DATABASE_SECONDS) as direct:
                direct.execute("SELECT 1")
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
    except DatabaseError as error:
        # The driver's text may hold the address and the user of the database: it is for the log, not for the answer.
        logger.warning("The database does not answer: %s", error)
        raise NotReady("The database does not answer.") from error


def _check_migrations() -> None:
    global _schema_is_current
    if _schema_is_current:
        return
    executor = MigrationExecutor(connection)
    if waiting := len(executor.migration_plan(executor.loader.graph.leaf_nodes())):
        raise NotReady(f"{waiting} migrations are not applied: run `manage.py migrate`.")
    _schema_is_current = True


def _check_redis() -> None:
    with closing(embedded_redis.client(settings.REDIS_URL)) as client:
        try:
            client.ping()
        except redis.RedisError as error:
            logger.warning("Redis does not answer: %s", error)
            raise NotReady("Redis does not answer.") from error


def _check_disk() -> None:
    if reason := storage_space.write_failure(settings.DATA_DIR):
        raise NotReady(f"The data folder cannot be written to: {reason}.")
    free = storage_space.free_megabytes(settings.DATA_DIR)
    if free < settings.READY_FREE_MEGABYTES:
        raise NotReady(f"The data disk has {free} MB left; {settings.READY_FREE_MEGABYTES} are wanted.")


def _check_worker() -> None:
    rows = list(Worker.objects.all())
    if any(row.is_ready for row in rows):
        return
    newest = max((row for row in rows if row.is_alive), key=lambda row: row.seen_at, default=None)
    raise NotReady("No worker is running." if newest is None else "The worker is still loading the model.")
