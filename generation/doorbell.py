"""Rings RQ. A ring carries nothing but "draw the next fair batch", so a lost one loses nothing (see recovery)."""

from __future__ import annotations

import logging

import django_rq
from redis.exceptions import RedisError
from rq import Queue

logger = logging.getLogger(__name__)

QUEUE = "generation"
JOB = "generation.jobs.draw_next_batch"  # by dotted path: whoever rings need not be able to draw
# Longer than any batch. RQ's clock cannot stop a running C call anyway; the worker watches its own steps instead.
_RING_SECONDS = 6 * 3_600


def ring(times: int = 1) -> None:
    """Ring once for each of so many rows. Raises RedisError when Redis cannot be reached."""
    queue: Queue = django_rq.get_queue(QUEUE)
    rings = [Queue.prepare_data(JOB, timeout=_RING_SECONDS, result_ttl=0, failure_ttl=3_600) for _ in range(times)]
    queue.enqueue_many(rings)


def ring_if_possible(times: int = 1) -> None:
    """Ring, and leave it to the reconcile to ring later if Redis is away: the rows are safe in the database."""
    try:
        ring(times)
    except RedisError as error:
        logger.warning("Redis cannot be reached (%s); %d queued pictures wait for the reconcile.", error, times)


def pending() -> int:
    """How many rings wait to be heard."""
    count: int = django_rq.get_queue(QUEUE).count
    return count
