"""The parts of the supervisor that need no running site: when things are due, what is said, what is made first."""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.utils import timezone
from pytest_django import Settings

from tests.site.running import is_alive, until
from zimageweb import embedded_redis, preparation
from zimageweb.children import BackOff, Child, in_words
from zimageweb.upkeep import DailySweep, Outage


class TestBackOff:
    def test_it_doubles_up_to_half_a_minute(self) -> None:
        back_off = BackOff()
        waits = [back_off.seconds_after(lived=0.1) for _ in range(10)]
        assert waits == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]

    def test_a_healthy_run_starts_it_anew(self) -> None:
        back_off = BackOff()
        waits = [back_off.seconds_after(lived) for lived in (0.1, 0.1, 0.1, 11.0, 0.1)]
        assert waits == [0.25, 0.5, 1, 0.25, 0.5]


class TestChild:
    @pytest.fixture
    def said(self) -> list[str]:
        return []

    def _child(self, said: list[str], code: str, *, again: bool = True) -> Child:
        return Child("snake", [sys.executable, "-c", code], said.append, lambda status: again)

    def test_what_it_prints_is_passed_on_with_its_name(self, said: list[str]) -> None:
        child = self._child(said, "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)")
        child.start()
        assert until(child.reap) == 3
        assert sorted(said) == ["snake   | one", "snake   | two"]

    def test_its_next_start_is_planned_when_it_ends(self, said: list[str]) -> None:
        child = self._child(said, "raise SystemExit(1)")
        assert child.is_due
        child.start()
        assert not child.is_due
        until(child.reap)
        assert child.start_at is not None
        until(lambda: child.is_due, seconds=1)

    def test_it_stays_away_when_that_is_what_its_parting_says(self, said: list[str]) -> None:
        child = self._child(said, f"raise SystemExit({os.EX_CONFIG})", again=False)
        child.start()
        assert until(child.reap) == os.EX_CONFIG
        assert child.start_at is None
        assert not child.is_due

    def test_one_that_cannot_start_yet_waits_ever_longer_whatever_its_attempts_took(self, said: list[str]) -> None:
        child = self._child(said, f"raise SystemExit({os.EX_TEMPFAIL})")
        back_off = child._back_off = BackOff(healthy=0.001)
        for _ in range(2):
            child.start()
            assert until(child.reap) == os.EX_TEMPFAIL
        assert back_off.seconds_after(lived=0.0) == 1

    def test_ended_at_once_it_takes_its_own_children_along(self, said: list[str]) -> None:
        code = (
            "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
            "print(inner.pid); inner.wait()"
        )
        child = self._child(said, code)
        child.start()
        inner = int(until(lambda: said)[0].split("|")[1])
        child.end(at_once=True)
        assert until(child.reap) == -signal.SIGKILL
        until(lambda: not is_alive(inner))

    def test_a_status_is_said_in_words(self) -> None:
        assert in_words(-signal.SIGKILL) == "was ended by SIGKILL"
        assert in_words(3) == "stopped with exit status 3"


class TestOutage:
    def test_it_is_reported_once_and_so_is_its_end(self, caplog: pytest.LogCaptureFixture) -> None:
        outage = Outage("Counting")

        def fail() -> None:
            raise OSError("away")

        with caplog.at_level(logging.WARNING):
            results = [outage.attempt(action) for action in (list, fail, fail, fail, list, list, fail)]
        assert "Traceback" not in caplog.text
        assert results == [True, False, False, False, True, True, False]
        fails = "Counting fails and is tried again: away"
        assert caplog.messages == [fails, "Counting works again", fails]

    def test_a_defect_comes_with_its_traceback(self, caplog: pytest.LogCaptureFixture) -> None:
        assert not Outage("Counting").attempt(lambda: 1 // 0)
        assert "Traceback" in caplog.text


class TestDailySweep:
    BERLIN = ZoneInfo("Europe/Berlin")

    @pytest.fixture
    def record(self, tmp_path: Path) -> Path:
        return tmp_path / "last_sweep"

    def _at(self, record: Path, now: dt.datetime, last: dt.datetime | None) -> DailySweep:
        if last is not None:
            record.write_text(last.isoformat())
        return DailySweep(record, hour=4, now=lambda: now)

    @pytest.mark.parametrize("last", [None, dt.timedelta(hours=25)])
    def test_one_that_was_missed_is_made_up_for_soon(self, record: Path, last: dt.timedelta | None) -> None:
        now = dt.datetime(2026, 11, 22, 12, 0, tzinfo=self.BERLIN)
        sweep = self._at(record, now, last and now - last)
        assert sweep.due_at - now == dt.timedelta(seconds=30)
        assert not sweep.is_due

    @pytest.mark.parametrize(("hour", "day"), [(3, 22), (5, 23)])
    def test_else_it_waits_for_its_hour(self, record: Path, hour: int, day: int) -> None:
        now = dt.datetime(2026, 11, 22, hour, 30, tzinfo=self.BERLIN)
        sweep = self._at(record, now, now - dt.timedelta(hours=2))
        assert sweep.due_at == dt.datetime(2026, 11, day, 4, 0, tzinfo=self.BERLIN)

    def test_its_hour_is_that_of_the_clock_when_the_clocks_change(self, record: Path) -> None:
        now = dt.datetime(2026, 10, 24, 5, 0, tzinfo=self.BERLIN)  # the night after has an hour more
        sweep = self._at(record, now, now - dt.timedelta(hours=1))
        assert sweep.due_at.hour == 4
        assert sweep.due_at.timestamp() - now.timestamp() == 24 * 3600

    def test_a_run_is_remembered_and_a_failed_one_tried_again_in_an_hour(self, record: Path) -> None:
        now = timezone.localtime()
        sweep = DailySweep(record, hour=4)
        sweep.ran(successfully=False)
        assert not record.exists()
        assert dt.timedelta(minutes=59) < sweep.due_at - now < dt.timedelta(minutes=61)
        sweep.ran(successfully=True)
        assert DailySweep(record, hour=4).due_at > now + dt.timedelta(minutes=2) or now.hour == 3

    def test_a_spoilt_record_counts_as_none(self, record: Path) -> None:
        record.write_text("yesterday or so")
        assert DailySweep(record, hour=4).due_at <= timezone.now() + dt.timedelta(minutes=1)


@pytest.mark.django_db
class TestFirstAdministrator:
    def test_without_any_there_is_an_admin_with_a_random_password(self) -> None:
        sentence = preparation.make_first_administrator()
        password = sentence.split("password ")[1].split(" ")[0]
        admin = User.objects.get(username="admin")
        assert admin.is_superuser
        assert admin.check_password(password)
        assert password not in preparation.make_first_administrator()
        assert User.objects.count() == 1

    def test_the_environment_may_name_it(self, settings: Settings) -> None:
        settings.FIRST_ADMIN_USERNAME, settings.FIRST_ADMIN_PASSWORD = "root", "given-password"
        settings.FIRST_ADMIN_EMAIL = "root@example.org"
        assert "given-password" not in preparation.make_first_administrator()
        root = User.objects.get(username="root", email="root@example.org", is_superuser=True)
        assert root.check_password("given-password")

    def test_one_that_is_there_keeps_its_password(self, settings: Settings, charlie: User) -> None:
        settings.FIRST_ADMIN_USERNAME, settings.FIRST_ADMIN_PASSWORD = "charlie", "another-password"
        assert preparation.make_first_administrator() == "Sign in with your account (administrators: charlie)."
        charlie.refresh_from_db()
        assert charlie.check_password("pw-of-charlie")

    def test_a_member_called_admin_is_not_promoted(self) -> None:
        member = User.objects.create_user("admin", password="pw")
        preparation.make_first_administrator()
        member.refresh_from_db()
        assert not member.is_superuser
        assert User.objects.get(is_superuser=True).username.startswith("admin-")


class TestPrivateFolder:
    def test_it_is_made_for_this_user_alone(self, tmp_path: Path) -> None:
        (tmp_path / "redis").mkdir(mode=0o755)
        embedded_redis.make_private(tmp_path / "redis")
        assert embedded_redis.exposure(tmp_path / "redis") is None

    def test_a_link_that_somebody_laid_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "theirs").mkdir()
        (tmp_path / "redis").symlink_to(tmp_path / "theirs")
        with pytest.raises(PermissionError, match="is not a folder"):
            embedded_redis.make_private(tmp_path / "redis")

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
    def test_a_folder_of_another_user_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "redis").mkdir()
        os.chown(tmp_path / "redis", 12345, 12345)
        with pytest.raises(PermissionError, match="belongs to another user"):
            embedded_redis.make_private(tmp_path / "redis")


def test_a_server_that_outlived_its_supervisor_is_stopped(tmp_path: Path) -> None:
    binary = embedded_redis.server_binary()
    assert binary
    url = f"unix://{tmp_path}/redis.sock?db=0"
    command = embedded_redis.command(binary=binary, socket=tmp_path / "redis.sock", folder=tmp_path)
    stray = Child("redis", command, lambda line: None, lambda status: False)
    stray.start()
    until(lambda: embedded_redis.answers(url))
    assert embedded_redis.stop_stray(url)
    until(lambda: stray.reap() == 0, seconds=5)


def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(
        CommandError, match=r"Port 7860 of 192\.0\.2\.1 cannot be used: Cannot assign requested address"
    ):
        preparation.require_free_port("192.0.2.1", 7860)
