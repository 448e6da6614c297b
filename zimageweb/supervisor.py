"""`manage.py up`: the whole site on one machine from one process, which restarts what dies.

    supervisor ─┬─ redis      embedded; first to start, last to stop
                ├─ web        Daphne
                ├─ worker-0 … each dead one's pictures go back to the queue at once
                ├─ housekeeper  packs ZIP files
                └─ sweep      once a day, `manage.py cleanup_images`

A child's death, Ctrl-C and SIGTERM all arrive as signals in one queue on which the main thread waits: no child is
polled. None outlives the supervisor, even when that is killed (see `children`).
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from types import FrameType

from django.conf import settings
from django.core.management import CommandError
from django.db import close_old_connections, connections

from generation import services
from zimageweb import cuda_devices, embedded_redis, preparation
from zimageweb.announcement import Announcement
from zimageweb.children import Child, in_words
from zimageweb.upkeep import DailySweep, Outage, Reconciler

_MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WORKER_PATIENCE = 30.0  # seconds that a worker may take to hand back what it draws
_REDIS_PATIENCE = 30.0  # seconds that Redis may take to read its log, or to finish writing it
_BACKLOG = 1024  # connections that may wait to be accepted; a whole team can press the button at once


class Supervisor:
    """Starts the site, keeps it running until a signal asks it to stop, and then leaves nothing behind."""

    def __init__(self, say: Callable[[str], None], *, workers: int | None = 1) -> None:
        """`workers`: how many; None for one on each CUDA device."""
        self._say = say
        self._workers = workers
        # The one queue into which a signal handler may put while the main thread is inside `get`.
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stop_requests = 0
        self._redis: Child | None = None
        self._children: list[Child] = []  # all but Redis, which outlives them
        self._reconciler = Reconciler()
        self._announcement = Announcement(say)
        self._sweep = DailySweep(settings.DATA_DIR / "last_sweep", hour=settings.CLEANUP_HOUR)
        self._release = Outage("Taking back what a dead worker held")

    def run(self) -> None:
        """Returns after an orderly stop. Raises CommandError with one sentence when the site cannot be started."""
        preparation.require_writable_data_folder()
        with preparation.only_one():
            preparation.require_free_port(settings.HOST, settings.PORT)
            self._listen_for_signals()
            try:
                self._start()
                self._watch()
            finally:
                self._stop()

    # -- signals ------------------------------------------------------------------------------------------------------

    def _listen_for_signals(self) -> None:
        for number in (*_STOP_SIGNALS, signal.SIGCHLD):
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGCHLD:  # as under nohup
                signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._stop_requests += number in _STOP_SIGNALS
        self._signals.put(number)

    def _wait(self, seconds: float) -> None:
        """Until a signal arrives, or so long."""
        with suppress(queue.Empty):
            self._signals.get(timeout=max(0.0, seconds))

    # -- start --------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if settings.REDIS_IS_EMBEDDED:
            self._redis = self._start_redis()
        preparation.check_settings()
        preparation.prepare_database()
        preparation.prepare_static_files()
        self._announcement.sign_in = preparation.make_first_administrator()
        connections.close_all()
        if self._redis is not None:
            self._await_redis(self._redis)
        host = settings.HOST.strip("[]").replace(":", "\\:")
        door = f"tcp:port={settings.PORT}:interface={host}:backlog={_BACKLOG}"
        web = ["-m", "daphne", "-e", door, "-v", "0", "zimageweb.asgi:application"]
        self._children = [Child("web", [sys.executable, *web], self._say, self._after_web)]
        self._children += self._make_workers()
        keeper = [*_MANAGE, "housekeeper"]
        self._children.append(Child("housekeeper", keeper, self._say, partial(self._again, "housekeeper")))
        sweep = [*_MANAGE, "cleanup_images"]
        self._children.append(Child("sweep", sweep, self._say, self._after_sweep, start_at=None))
        self._announcement.start()
        self._reconciler.start()

    def _make_workers(self) -> list[Child]:
        """They take turns on the CUDA devices, unless all are told which one to use."""
        workers, devices = self._workers, 0
        if workers != 1 and settings.ZIMAGE_DEVICE == "auto":
            devices = cuda_devices.count(self._say)
        if workers is None:
            workers = devices or 1
            self._say(f"Workers: {workers}" + (", one on each CUDA device." if devices else "."))
        made = []
        for number in range(workers):
            name = f"{socket.gethostname()}-{number}"
            command = [*_MANAGE, "worker", "--name", name]
            place = {"ZIMAGE_DEVICE": f"cuda:{number % devices}"} if devices else {}
            made.append(Child(f"worker-{number}", command, self._say, partial(self._after_worker, name), place))
        return made

    def _start_redis(self) -> Child:
        folder, socket_path = settings.DATA_DIR / "redis", settings.EMBEDDED_REDIS_SOCKET
        binary = embedded_redis.server_binary()
        if binary is None:
            raise CommandError(
                "There is no Redis server to start: install valkey or redis, or point REDIS_URL to a running one."
            )
        try:
            embedded_redis.make_private(folder)
            embedded_redis.make_private(socket_path.parent)
        except OSError as error:
            raise CommandError(f"The embedded Redis server has no safe place: {error}") from error
        if not embedded_redis.stop_stray(settings.REDIS_URL):
            raise CommandError(f"Another Redis server listens on {socket_path} and does not stop. Stop it first.")
        command = embedded_redis.command(binary=binary, socket=socket_path, folder=folder)
        child = Child("redis", command, self._say, self._after_redis)
        child.start()
        return child

    def _await_redis(self, child: Child) -> None:
        folder = settings.DATA_DIR / "redis"
        end = time.monotonic() + _REDIS_PATIENCE
        while not embedded_redis.answers(settings.REDIS_URL):
            if child.reap() is not None:
                aside = embedded_redis.set_aside(folder)
                if aside is None:
                    raise CommandError(f"The embedded Redis server does not start: see {folder / 'server.log'}.")
                self._say(f"Redis cannot read its data, which is now {aside}. Nothing is lost: the queue is elsewhere.")
                child.start()
            elif time.monotonic() > end:
                raise CommandError(f"The embedded Redis server does not answer: see {folder / 'server.log'}.")
            self._wait(0.02)

    # -- watch --------------------------------------------------------------------------------------------------------

    @property
    def _everything(self) -> list[Child]:
        return [*([self._redis] if self._redis else []), *self._children]

    def _watch(self) -> None:
        while not self._stop_requests:
            for child in self._everything:
                child.reap()
                if child.is_due:
                    child.start()
            self._start_sweep_if_due()
            starts = [child.start_at for child in self._everything if child.start_at is not None]
            self._wait(min([1.0, *(start - time.monotonic() for start in starts)]))

    def _start_sweep_if_due(self) -> None:
        sweep = self._children[-1]
        if self._sweep.is_due and not sweep.is_running:
            sweep.start()

    def _after_web(self, status: int) -> bool:
        return self._again("web", status)

    def _after_redis(self, status: int) -> bool:
        return self._again("redis", status)

    def _after_worker(self, name: str, status: int) -> bool:
        self._release.attempt(lambda: _release_worker(name))
        if status == os.EX_CONFIG:
            self._say(
                "The worker cannot start as it is configured (see above) and is not started again; all else runs."
            )
            return False
        if status == os.EX_TEMPFAIL and not self._stop_requests:
            self._say(f"Worker {name} cannot start at the moment (see above); it is started again after a while.")
            return True
        return self._again(f"Worker {name}", status)

    def _after_sweep(self, status: int) -> bool:
        self._sweep.ran(successfully=status == 0)
        if status:
            self._say(f"The daily sweep {in_words(status)}; it is tried again in an hour.")
        return False

    def _again(self, name: str, status: int) -> bool:
        if not self._stop_requests:
            self._say(f"{name} {in_words(status)}; it is started again.")
        return not self._stop_requests

    # -- stop ---------------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        self._announcement.stop()
        self._reconciler.stop()
        self._end(self._children, _WORKER_PATIENCE)
        if self._redis is not None:
            self._end([self._redis], _REDIS_PATIENCE)
        self._say("Stopped.")

    def _end(self, children: Iterable[Child], patience: float) -> None:
        """Ask the children to stop and wait; after `patience` seconds or another Ctrl-C, kill them."""
        asked_before, end = self._stop_requests, time.monotonic() + patience
        for child in children:
            child.end()
        while remaining := [child for child in children if child.is_running and child.reap() is None]:
            if self._stop_requests > max(1, asked_before) or time.monotonic() > end:
                for child in remaining:
                    child.end(at_once=True)
            self._wait(0.2)


def _release_worker(name: str) -> None:
    close_old_connections()
    try:
        services.release_worker(worker=name)
    finally:
        close_old_connections()
