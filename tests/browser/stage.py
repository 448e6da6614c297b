"""A whole site on which every state of the interface can be brought about for real, and windows to look at it.

Its worker is no child of `manage.py up`, so that it can be stopped, or held while it loads the model.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.population import ALONE, PASSWORD, Population
from tests.site.running import MANAGE, Site, environment, manage, site, until

if TYPE_CHECKING:
    from tests.browser.states import State

_SETTINGS = ALONE | {
    "ZIMAGE_THREADS": "1",  # slow enough to be watched, and the browser has a processor too
    "RATE_LIMIT": "20/m burst 10",
    "DJANGO_SUPERUSER_USERNAME": "admin",
    "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
}
_SLOW = {"width": 384, "height": 384, "steps": 50}
_ASKED = 10  # pictures of _SLOW; with half of them left the scene is set up again
_HELD_FOR = 8.0  # seconds: a worker that does not stir for 20 counts as gone
_LOADED = """() => [...document.images].every((image) => image.complete || image.loading === 'lazy')"""


class Scene(StrEnum):
    """What the worker does meanwhile."""

    READY = "ready"
    DRAWING = "drawing"  # for mei; others wait behind her
    STOPPED = "stopped"
    LOADING = "loading"


@dataclass
class StageWorker:
    """The one worker of the site."""

    site: Site
    _process: subprocess.Popen[bytes] | None = None
    _held_at: float | None = None

    def start(self) -> None:
        command = [sys.executable, str(MANAGE), "worker", "--name", "worker"]
        log = (self.site.data_dir / "worker.log").open("ab")
        given = environment(self.site.data_dir, **_SETTINGS)
        self._process = subprocess.Popen(command, env=given, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()

    def stop(self) -> None:
        if self._process is None:
            return
        self.let_go()
        self._process.terminate()
        try:
            self._process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def make_ready(self) -> None:
        if self._process is None:
            self.start()
        self.let_go()
        until(lambda: self._described("idle", "drawing"), seconds=120, what="a worker with a loaded model")

    def hold_while_loading(self) -> None:
        if self._held_at is not None and time.monotonic() - self._held_at < _HELD_FOR:
            return
        self.stop()
        self.start()
        until(lambda: self._described("loading", least=10), seconds=60, what="a worker that loads the model")
        until(self._pause, what="a worker that is held and holds no lock")
        assert self._described("loading", least=10), "it was too fast"

    def let_go(self) -> None:
        if self._process is not None and self._held_at is not None:
            self._process.send_signal(signal.SIGCONT)
            self._held_at = None

    def _pause(self) -> bool:
        """Freeze the process, though never inside a transaction, in which it would hold up everybody."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        self._held_at = time.monotonic()
        try:
            with closing(sqlite3.connect(self.site.data_dir / "db.sqlite3", timeout=0.1)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()
        except sqlite3.OperationalError:
            self.let_go()
            return False
        return True

    def _described(self, *states: str, least: int = 0) -> bool:
        _status, answer = self.site.get("/health/workers")
        rows: list[dict[str, Any]] = (answer or {}).get("workers", [])
        return any(row["state"] in states and row["progress"] >= least for row in rows)


@dataclass
class Stage:
    """The site, its people and the windows through which it is seen."""

    site: Site
    browser: Browser
    people: Population
    worker: StageWorker
    _scene: Scene = Scene.READY
    _contexts: dict[tuple[str, str], BrowserContext] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://localhost:{self.site.port}"

    def play(self, scene: Scene) -> None:
        """Have the worker do that, and the people ask for what belongs to it."""
        if scene == Scene.LOADING:
            self.worker.hold_while_loading()
        if scene == self._scene and not self._is_over():
            return
        if scene in {Scene.READY, Scene.DRAWING}:
            self.worker.make_ready()
            self.people.cancel_everything()
        elif scene == Scene.STOPPED:
            self.worker.stop()
        if scene == Scene.DRAWING:
            self._ask_for_a_while()
        elif scene == Scene.STOPPED:
            self.people.ask("tom", "A large orange circle on a turquoise background")
        self._scene = scene

    def _is_over(self) -> bool:
        """Whether what the scene needs to be drawn will soon have been."""
        return self._scene == Scene.DRAWING and self.people.call("mei", "GET", "queue")["length"] < _ASKED // 2

    def _ask_for_a_while(self) -> None:
        ask = self.people.ask
        ask("mei", "Rolling hills at dawn under a pink sky with a yellow sun and a red house", count=4, **_SLOW)
        until(lambda: self.people.call("mei", "GET", "queue")["running"], what="a picture being drawn")
        ask("lea", "The sea at night with a white boat", count=1, **_SLOW)
        ask("tom", "A large orange circle on a turquoise background", count=3, **_SLOW)
        ask("mei", "A green triangle to the left of a yellow square", count=2, **_SLOW)

    @contextmanager
    def window(self, state: State, device: dict[str, Any]) -> Iterator[Page]:
        """A page that is in this state, seen on this device (see `chromium`)."""
        self.play(state.scene)
        context = self._context(state.who, device)
        page = context.new_page()
        try:
            yield page
        finally:
            context.set_offline(False)
            page.close()
            (self.site.data_dir / "maintenance.json").unlink(missing_ok=True)

    def enter(self, page: Page, state: State) -> None:
        """Go where the state is, as the person whose it is, and bring it about."""
        page.goto(self.address + state.path.format(**self.people.facts))
        if state.who and page.locator("#id_login").count():
            page.locator("#id_login").fill(state.who)
            page.locator("#id_password").fill(PASSWORD)
            with page.expect_navigation():
                page.locator("main form button[type=submit]").click()
        if state.act is not None:
            state.act(page, self)
        expect(page.locator(state.shows).first).to_be_visible()
        page.wait_for_function(_LOADED)

    def begin_planned_work(self) -> None:
        """Until the window is closed."""
        words = ("--message", "The disks are being exchanged.", "--until", "23:59")
        done = manage("maintenance", "on", *words, data_dir=self.site.data_dir, **ALONE)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def without_table(self, table: str) -> Iterator[None]:
        """The database has lost a table: whoever reads it fails."""
        with closing(sqlite3.connect(self.site.data_dir / "db.sqlite3", isolation_level=None)) as connection:
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
            try:
                yield
            finally:
                connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}")

    def _context(self, who: str, device: dict[str, Any]) -> BrowserContext:
        key = (who, repr(sorted(device.items())))
        if key not in self._contexts:
            self._contexts[key] = self.browser.new_context(**device)
            # What one state left typed is not there in the next.
            self._contexts[key].add_init_script("localStorage.clear()")
        return self._contexts[key]

    def close(self) -> None:
        for context in self._contexts.values():
            context.close()


@contextmanager
def stage(browser: Browser) -> Iterator[Stage]:
    """A site in a folder of its own, with its people and what they have made."""
    with (
        tempfile.TemporaryDirectory(prefix="zimageweb-stage-") as folder,
        site(Path(folder) / "var", "--no-worker", **_SETTINGS) as running,
    ):
        built = Stage(running, browser, Population(running), StageWorker(running))
        try:
            built.worker.start()
            built.people.move_in()
            built.worker.make_ready()
            built.people.work()
            yield built
        finally:
            built.close()
            built.worker.stop()
