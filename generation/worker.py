"""The process that draws: one warm engine, one RQ queue, no forks.

Forking after the first inference hangs, and a fork would load the model for each picture; so RQ's SimpleWorker calls
the job in this very process. A heartbeat thread renews the leases, describes the worker to everybody else, and ends
the process when the engine has not made a step for too long: a call that hangs in the driver cannot be interrupted.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import django_rq
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from generation import jobs, services
from generation.doorbell import QUEUE
from generation.drawing_options import engine_options
from generation.engine import timed
from generation.engine.exceptions import DeviceLost, EngineError, PassingTrouble
from generation.engine.types import Engine, EngineOptions
from generation.jobs import Studio
from generation.models import Worker

logger = logging.getLogger(__name__)

BEAT_SECONDS = min(5.0, settings.LEASE_SECONDS / 3)  # a lease survives two beats that failed
_BACK_OFF_SECONDS = 1.0
# A pipeline is thousands of short calls, each of which needs the interpreter again: by default it would wait 5 ms for
# it whenever a picture is being stored.
_SWITCH_SECONDS = 0.000_5


def default_name() -> str:
    """Unique among running processes, so that no two workers take each other for themselves."""
    return f"{socket.gethostname()}-{os.getpid()}"


class _Bell(SimpleWorker):
    """Waits for rings. Two differences from RQ's own: it returns soon after Redis does, and SIGTERM reaches the
    studio, so that the picture in hand goes back to the queue at its next step instead of being waited for."""

    max_connection_wait_time = 2.0
    studio: Studio

    def handle_warm_shutdown_request(self) -> None:
        self.studio.leaving.set()

    def execute_job(self, job: Job, queue: Queue) -> None:
        super().execute_job(job, queue)
        if self.studio.lost:  # RQ has only noted that the job failed, and would go on with a broken device
            raise StopRequested


@dataclass
class DrawingWorker:
    """One worker process from its start to its end."""

    name: str
    _stopped: threading.Event = field(default_factory=threading.Event)
    _studio: Studio | None = None
    _state: str = Worker.State.LOADING
    _progress: int = 0

    def run(self) -> None:
        """Load the model and answer rings until asked to stop. Raises EngineError when the model cannot be loaded."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        services.release_worker(worker=self.name)  # of an earlier process of this name
        now = timezone.now()
        Worker.objects.filter(seen_at__lt=now - Worker.REMEMBERED_FOR).delete()  # names of containers long gone
        Worker.objects.update_or_create(
            name=self.name,
            defaults={
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "state": Worker.State.LOADING,
                "progress": 0,
                "message": "",
                "seconds_per_cost": None,
                "started_at": now,
                "seen_at": now,
            },
        )
        heartbeat = threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True)
        heartbeat.start()
        last_words: dict[str, object] = {"state": Worker.State.STOPPED}
        try:
            studio = self._open_studio()
            self._listen(studio)
            studio.close()
        except EngineError as error:
            passes = isinstance(error, PassingTrouble | DeviceLost)
            state = Worker.State.WAITING if passes else Worker.State.BROKEN
            last_words = {"state": state, "message": str(error)[:500]}
            raise
        finally:
            self._stopped.set()
            heartbeat.join(timeout=BEAT_SECONDS)
            Worker.objects.filter(name=self.name, pid=os.getpid()).update(seen_at=timezone.now(), **last_words)

    def _open_studio(self) -> Studio:
        engine = _load(engine_options(), self._show_progress)
        engine.warm_up()
        # Asked by the thread that draws: a driver that hangs must not hold up the heartbeat, which watches it.
        studio = Studio(engine=engine, worker=self.name, device_state=engine.device_state())
        Worker.objects.filter(name=self.name).update(card=engine.card.as_dict(), progress=100)
        self._studio, self._state = studio, Worker.State.IDLE
        self._beat()
        jobs.open_studio(studio)
        logger.info("%s draws with %s on %s.", self.name, engine.card.name, engine.card.device)
        return studio

    def _listen(self, studio: Studio) -> None:
        """Answer rings until SIGTERM. RQ gives up when Redis goes away in the middle of a job: start over, the model
        stays warm."""
        while not studio.leaving.is_set():
            close_old_connections()
            try:
                bell = _Bell(
                    [django_rq.get_queue(QUEUE)],
                    name=f"{self.name}.{time.time_ns():x}",  # RQ refuses a name that a killed process has left behind
                    connection=django_rq.get_connection(QUEUE),
                    serializer=JSONSerializer,
                    log_job_description=False,
                )
                bell.studio = studio
                bell.work(logging_level="WARNING")
                if studio.lost:
                    raise studio.lost
                studio.leaving.wait(_BACK_OFF_SECONDS)
            except RedisError as error:
                logger.warning("Redis cannot be reached (%s).", error)
                studio.leaving.wait(_BACK_OFF_SECONDS)
            except StopRequested:  # a signal between two bells
                return

    # -- heartbeat ----------------------------------------------------------------------------------------------------

    def _keep_beating(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                self._beat()
            except DatabaseError as error:
                logger.warning("The database cannot be reached (%s).", error)
            except Exception:  # without beats the leases would end, and nobody would watch the engine
                logger.exception("A heartbeat failed; the next is tried all the same.")
            finally:
                close_old_connections()

    def _beat(self) -> None:
        changes: dict[str, object] = {"state": self._state, "seen_at": timezone.now(), "progress": self._progress}
        if studio := self._studio:
            self._end_if_stalled(studio)
            studio.beat()
            changes |= {
                "state": Worker.State.DRAWING if studio.watch else Worker.State.IDLE,
                "drawn": studio.drawn,
                "seconds_per_cost": studio.speed.per_cost if studio.speed else None,
                "seconds_per_megapixel": studio.speed.per_megapixel if studio.speed else 0.0,
                "progress": 100,
                "device_state": asdict(studio.device_state) if studio.device_state else {},
            }
            if studio.last_drawn_at:  # else it may be known from an earlier process of this name
                changes["last_drawn_at"] = studio.last_drawn_at
        Worker.objects.filter(name=self.name, pid=os.getpid()).update(**changes)
        try:
            services.reconcile()
        except RedisError:
            logger.debug("No reconcile while Redis is away.", exc_info=True)

    def _end_if_stalled(self, studio: Studio) -> None:
        watch = studio.watch
        if watch and watch.silent_seconds > settings.STALL_SECONDS:
            logger.critical("No step for %d seconds: the engine hangs and this process ends.", watch.silent_seconds)
            os._exit(1)

    def _show_progress(self, fraction: float, what: str) -> None:
        """Called while the model is fetched and read, which takes long and must not fail because nobody can be told."""
        self._progress = round(100 * fraction)
        try:
            Worker.objects.filter(name=self.name).update(
                progress=self._progress, message=what[:500], seen_at=timezone.now()
            )
        except DatabaseError as error:
            logger.warning("How far loading is could not be stored (%s).", error)
            close_old_connections()


def _load(options: EngineOptions, on_progress: Callable[[float, str], None]) -> Engine:
    if options.model.startswith(timed.PREFIX):
        return timed.load(options, on_progress)
    # Imports torch: three seconds during which the heartbeat already says "loading".
    from generation.engine.engine import load

    return load(options, on_progress)
