"""What a ring of the doorbell does: draw the next fair batch, and the one after it.

The process that draws opens one `Studio` around its warm engine; RQ then calls `draw_next_batch` for each ring.
Encoding and storing happen in threads of their own while the next batch is being drawn.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from PIL import Image as PillowImage

from gallery import inputs, storing
from gallery.models import Image
from generation import reproduction, services
from generation.engine.exceptions import (
    DeviceLost,
    DrawingCancelled,
    LoraUnusable,
    OutOfMemory,
    UnsupportedRequest,
)
from generation.engine.types import DeviceState, DrawRequest, Engine
from generation.models import Failure, Generation
from generation.showing import Previews
from generation.speed import Speed, measured
from generation.watch import Watch

logger = logging.getLogger(__name__)

_RING_SECONDS = 60.0
_STORING_AT_ONCE = 2
_FAILURES: dict[type[Exception], Failure] = {
    OutOfMemory: Failure.OUT_OF_MEMORY,
    LoraUnusable: Failure.LORA,
    UnsupportedRequest: Failure.UNSUPPORTED,
    inputs.NotThere: Failure.START_GONE,
}


@dataclass
class Studio:
    """One worker's engine, and the rows that are in its hands. Its methods are called from the worker's main thread,
    except `beat`, which its heartbeat thread calls."""

    engine: Engine
    worker: str
    drawn: int = 0
    speed: Speed | None = None
    watch: Watch | None = None  # over what is being drawn
    leaving: threading.Event = field(default_factory=threading.Event)
    lost: DeviceLost | None = None  # set when the device failed: this process cannot draw any more
    last_drawn_at: dt.datetime | None = None
    device_state: DeviceState | None = None  # when the last picture was drawn
    previews: Previews = field(default_factory=Previews)
    _hands: list[Generation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_STORING_AT_ONCE, thread_name_prefix="store")
    )
    # As many batches may wait to be stored as are stored at once: a slow disk then slows drawing instead of
    # filling the memory.
    _room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(2 * _STORING_AT_ONCE))

    def draw_next_batch(self) -> int:
        """Claim, draw, pass on to storing; how many pictures were claimed."""
        if self.leaving.is_set() or self.lost:
            return 0
        self._room.acquire()
        self._room.release()
        began = time.monotonic()
        card = self.engine.card
        rows = services.start(worker=self.worker, most=card.max_batch, most_pixels=card.max_batch_pixels)
        if not rows:
            return 0
        self._take(rows)
        self.watch = watch = Watch(rows, self.previews, self.leaving)
        try:
            self._draw(rows, watch, began)
        finally:
            self.watch = None
        return len(rows)

    def beat(self) -> None:
        """Renew the leases of everything in hand."""
        with self._lock:
            rows = list(self._hands)
        if rows:
            services.renew(rows=rows)

    def close(self) -> None:
        """Wait until everything drawn is stored."""
        self._pool.shutdown(wait=True)
        self.previews.close()

    # -- drawing ------------------------------------------------------------------------------------------------------

    def _draw(self, rows: list[Generation], watch: Watch, began: float) -> None:
        """Whatever happens, each row is either with the pool or out of this worker's hands afterwards."""
        with_pool: set[int] = set()
        try:
            self._draw_and_pass_on(rows, watch, began, with_pool)
        except DatabaseError:
            # No row's fault. Nobody renews the leases now, so that the rows go back to the queue when they end.
            logger.exception("Generations %s could not be drawn or settled: no database.", [row.pk for row in rows])
            close_old_connections()
        finally:
            self._put_down([row for row in rows if row.pk not in with_pool])

    def _draw_and_pass_on(self, rows: list[Generation], watch: Watch, began: float, with_pool: set[int]) -> None:
        requests: list[DrawRequest] = []
        try:
            requests = [reproduction.request_of(row) for row in rows]
            try:
                pictures = self.engine.draw(requests, watch.on_step)
            finally:
                self.watch = None  # from here on it may be the disk that takes long, which is no engine's fault
        except DrawingCancelled:
            pictures = [None] * len(rows)
        except DatabaseError:
            raise
        except DeviceLost as error:
            self.lost = error
            logger.exception("The device failed; its %d pictures go back to the queue and this worker ends.", len(rows))
            services.hand_back(rows=rows)
            raise
        except Exception as error:
            # Whatever goes wrong inside the libraries concerns this batch, not the ones after it.
            self._refuse(rows, error)
            return
        now = time.monotonic()
        self._note(rows, pictures, now - began, watch.seconds_per_step)
        unfinished = []
        for row, request, picture in zip(rows, requests, pictures, strict=True):
            if picture is None:
                unfinished.append(row)
                continue
            # Now and not when it is stored: the next batch may have loaded a LoRA's changed file by then.
            record = reproduction.picture_of(row, request, (now - watch.began) / len(rows), self.engine)
            self._room.acquire()
            self._pool.submit(self._store, row, record, picture)
            with_pool.add(row.pk)
        if self.leaving.is_set():
            services.hand_back(rows=unfinished)
        else:
            for row in unfinished:
                services.settle_cancelled(row=row)

    def _refuse(self, rows: list[Generation], error: Exception) -> None:
        """The engine cannot draw this batch. One row alone is to blame for it; of several any could be: each is
        returned, and drawn alone next time, because it has been attempted."""
        logger.warning("Generations %s could not be drawn: %s", [row.pk for row in rows], error, exc_info=error)
        if len(rows) > 1:
            services.put_back(rows=rows)
            return
        blamed = (failure for kind, failure in _FAILURES.items() if isinstance(error, kind))
        services.fail(row=rows[0], failure=next(blamed, Failure.ENGINE))

    def _note(
        self,
        rows: Sequence[Generation],
        pictures: Sequence[PillowImage.Image | None],
        seconds: float,
        seconds_per_step: float | None,
    ) -> None:
        """What everybody may know of the worker. A batch of which some were cancelled says nothing of its speed."""
        finished = sum(picture is not None for picture in pictures)
        if finished:
            self.drawn += finished
            self.last_drawn_at, self.device_state = timezone.now(), self.engine.device_state()
        if finished == len(rows):
            self._measure(rows, seconds, seconds_per_step)

    def _measure(self, rows: Sequence[Generation], seconds: float, seconds_per_step: float | None) -> None:
        latest = measured(
            cost=sum(row.cost for row in rows),
            megapixels=sum(row.width * row.height for row in rows) / 1e6,
            seconds=seconds,
            seconds_per_step=seconds_per_step,
            steps=rows[0].drawn_steps,
        )
        self.speed = latest if self.speed is None else self.speed.smoothed(latest)

    # -- storing ------------------------------------------------------------------------------------------------------

    def _store(self, row: Generation, drawn: storing.DrawnPicture, picture: PillowImage.Image) -> None:
        """In a thread of the pool: files first, then row and state in one transaction."""
        close_old_connections()
        try:
            image = reproduction.image_of(row, row.attempt, drawn)
            storing.write_files(image, storing.encode(picture, drawn))
            if not services.finish(row=row, store=lambda: _saved(image)):
                storing.discard_files(image)
            for attempt in range(1, row.attempt):  # it may have ended between writing its files and saving its row
                storing.discard_files(reproduction.image_of(row, attempt, drawn))
        except OSError:
            logger.exception("Generation %s was drawn but could not be stored.", row.pk)
            services.fail(row=row, failure=Failure.NOT_STORED)
        except DatabaseError:
            # Perhaps it was committed and only the answer was lost, so the files stay: if they belong to no row, the
            # daily sweep takes them. If it was not, the lease runs out and the row is drawn again.
            logger.exception("Generation %s was drawn but the database did not confirm it.", row.pk)
        except Exception:
            logger.exception("Generation %s could not be stored.", row.pk)
            services.fail(row=row, failure=Failure.NOT_STORED)
        finally:
            self._put_down([row])
            self._room.release()
            close_old_connections()

    def _take(self, rows: Sequence[Generation]) -> None:
        with self._lock:
            self._hands.extend(rows)

    def _put_down(self, rows: Sequence[Generation]) -> None:
        gone = {row.pk for row in rows}
        with self._lock:
            self._hands = [row for row in self._hands if row.pk not in gone]


def _saved(image: Image) -> Image:
    image.save(force_insert=True)
    return image


# -- what RQ calls ----------------------------------------------------------------------------------------------------

_studio: Studio | None = None


def open_studio(studio: Studio) -> None:
    global _studio
    _studio = studio


def draw_next_batch() -> None:
    """Answer one ring, and go on as long as there is something to draw: hearing a ring costs as much as a short step.

    The rings of what was drawn meanwhile find nothing and return at once. A ring ends after a minute all the same, so
    that RQ sees that the worker lives.
    """
    if _studio is None:
        raise RuntimeError("This process has no engine: rings are answered by `manage.py worker`.")
    end = time.monotonic() + _RING_SECONDS
    close_old_connections()
    while _studio.draw_next_batch() and time.monotonic() < end:
        pass
    close_old_connections()
