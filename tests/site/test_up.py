"""`manage.py up` with real processes: what starts, what comes back, what is refused, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.site.running import Site, free_port, is_alive, manage, site, until
from zimageweb import embedded_redis

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site in a folder that was not there before, without a worker."""
    with site(tmp_path_factory.mktemp("up") / "data", "--no-worker") as running:
        yield running


def _redis_url(running: Site) -> str:
    return f"unix://{running.data_dir}/redis/redis.sock"


def test_it_says_where_the_site_is_and_how_to_sign_in(first: Site) -> None:
    assert first.wait_for_line(r"is ready: http://localhost:(\d+)")[1] == str(first.port)
    assert first.wait_for_line(r"Sign in as admin with the password (\S{12,}) ")


def test_it_is_ready_when_it_says_so(first: Site) -> None:
    status, answer = first.get("/health/ready")
    assert status == 200
    assert answer == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok", "disk": "ok"},
    }


def test_its_redis_is_reached_through_a_private_socket_only(first: Site) -> None:
    socket_path = first.data_dir / "redis" / "redis.sock"
    assert embedded_redis.answers(_redis_url(first))
    assert socket_path.stat().st_mode & 0o077 == 0
    assert socket_path.parent.stat().st_mode & 0o077 == 0
    assert embedded_redis.client(_redis_url(first)).config_get("port") == {"port": "0"}


def test_it_logs_neither_requests_nor_healthy_starts(first: Site) -> None:
    first.get("/health/live")
    assert [line for line in first.lines if line.startswith(("web", "redis"))] == []


@pytest.mark.parametrize("name", ["web", "redis"])
def test_a_killed_child_is_started_again(first: Site, name: str) -> None:
    killed = first.children()[name]
    os.kill(killed, signal.SIGKILL)
    first.wait_for_line(f"{name} was ended by SIGKILL; it is started again", seconds=1)
    until(lambda: first.children().get(name, killed) != killed, seconds=2)
    until(first.is_ready, seconds=10)


def test_a_second_one_on_the_same_folder_is_refused(first: Site) -> None:
    second = manage("up", "--no-worker", data_dir=first.data_dir, PORT=str(free_port()))
    assert second.returncode == 1
    assert f"is in use by process {first.process.pid}" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert first.is_ready()


def test_a_taken_port_is_refused(first: Site, tmp_path: Path) -> None:
    refused = manage("up", "--no-worker", data_dir=tmp_path, PORT=str(first.port))
    assert refused.returncode == 1
    assert f"Port {first.port} of 127.0.0.1 cannot be used: Address already in use." in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("/proc/nothing")])
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "data")
    for secret_key in ("", "given" * 10):  # with a key of its own, nothing is written before `up` looks
        refused = manage("up", data_dir=tmp_path / "data", SECRET_KEY=secret_key, PORT=str(free_port()))
        assert refused.returncode == 1
        assert "Make it writable, or choose another one with ZIMAGE_DATA_DIR." in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_a_database_that_is_away_is_named(known_folder: Path) -> None:
    away = {"DATABASE_URL": "sqlite:////proc/nowhere/db.sqlite3", "PORT": str(free_port())}
    refused = manage("up", "--no-worker", data_dir=known_folder, **away)
    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: The database cannot be used: unable to open database file")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("host", ["::1", "0.0.0.0"])  # noqa: S104
def test_it_listens_where_it_is_told_to(known_folder: Path, host: str) -> None:
    if host == "::1" and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with site(known_folder, "--no-worker", HOST=host) as running, socket.create_connection((host, running.port)):
        running.wait_for_line(r"is ready: http://(localhost|0\.0\.0\.0):")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_nothing_behind(known_folder: Path, number: int) -> None:
    with site(known_folder, "--no-worker") as running:
        children = running.children()
        assert set(children) == {"redis", "web", "housekeeper"}
        assert running.stop(number) == 0
        assert running.lines[-1] == "Stopped."
        assert not any(map(is_alive, children.values()))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", running.port))


def test_a_stop_during_the_start_shows_the_password_all_the_same(known_folder: Path) -> None:
    with site(known_folder, "--no-worker", wait=False) as running:
        until((known_folder / "redis").exists)
        assert running.stop() == 0
        assert "Sign in as admin with the password" in running.output


def test_no_child_outlives_a_killed_supervisor_and_the_next_start_goes_on(known_folder: Path) -> None:
    with site(known_folder, "--no-worker") as running:
        children = running.children()
        running.process.kill()
        running.process.wait()
        until(lambda: not any(map(is_alive, children.values())), seconds=5)
    with site(known_folder, "--no-worker") as again:
        assert again.is_ready()
        assert "administrators: admin" in again.output


def test_a_redis_log_that_cannot_be_read_is_put_aside(known_folder: Path) -> None:
    log = known_folder / "redis" / "appendonlydir"
    log.mkdir(parents=True)
    (log / "appendonly.aof.manifest").write_text("this is no manifest\n")
    with site(known_folder, "--no-worker") as running:
        assert running.is_ready()
        aside = running.wait_for_line(r"Redis cannot read its data, which is now (\S+)\.")[1]
        assert (Path(aside) / "appendonly.aof.manifest").exists()


def test_the_environment_names_the_first_administrator(known_folder: Path) -> None:
    named = {"DJANGO_SUPERUSER_USERNAME": "root", "DJANGO_SUPERUSER_PASSWORD": "given-password"}
    with site(known_folder, "--no-worker", **named) as running:
        running.wait_for_line("Sign in as root with the password from DJANGO_SUPERUSER_PASSWORD.")
        assert "given-password" not in running.output
    with sqlite3.connect(known_folder / "db.sqlite3") as database:
        assert database.execute("SELECT username, is_superuser FROM auth_user").fetchall() == [("root", 1)]


def test_a_sweep_that_was_missed_is_made_up_for(first: Site) -> None:
    # Last in this file: it is not done amid the start, but half a minute later.
    first.wait_for_line(r"^sweep +\| ", seconds=60)
    until((first.data_dir / "last_sweep").exists)
    assert first.is_ready()
