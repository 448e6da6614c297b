"""What is done in the background and needs no GPU: a queue of its own, and the process that answers it.

As with pictures the row is the job and RQ is the doorbell: a ring carries nothing, and a lost one only waits until the
housekeeper looks by itself.
"""

from __future__ import annotations

import logging
import time

import django_rq
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from gallery import archives

logger = logging.getLogger(__name__)

QUEUE = "housekeeping"
JOB = "zimageweb.housekeeping.pack"
LOOK_EVERY = 60  # seconds without a ring
_RING_SECONDS = 3_600
_BACK_OFF_SECONDS = 2.0


def ring() -> None:
    """Say that something waits to be packed; without Redis it is found later."""
    queue: Queue = django_rq.get_queue(QUEUE)
    try:
        queue.enqueue_many([Queue.prepare_data(JOB, timeout=_RING_SECONDS, result_ttl=0, failure_ttl=3_600)])
    except RedisError as error:
        logger.warning("Redis cannot be reached (%s); the ZIP is packed when the housekeeper looks by itself.", error)


def pack() -> None:
    """Pack all that waits."""
    close_old_connections()
    try:
        while archives.pack_next():
            pass
    finally:
        close_old_connections()


class _Bell(SimpleWorker):
    max_connection_wait_time = 2.0  # back soon after Redis is
    leaving = False

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        type(self).leaving = True


def listen() -> None:
    """Answer rings until SIGTERM or Ctrl-C."""
    while not _Bell.leaving:
        try:
            pack()
            _Bell(
                [django_rq.get_queue(QUEUE)],
                name=f"housekeeper.{time.time_ns():x}",  # RQ refuses a name that a killed process has left behind
                connection=django_rq.get_connection(QUEUE),
                serializer=JSONSerializer,
                log_job_description=False,
            ).work(logging_level="WARNING", max_idle_time=LOOK_EVERY)
        except (RedisError, DatabaseError) as error:
            logger.warning("The housekeeper waits: %s", error)
            time.sleep(_BACK_OFF_SECONDS)
        except StopRequested:  # a signal between two bells
            return
