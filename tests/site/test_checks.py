"""The system checks: clean in production, and each warning where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.site.running import manage
from zimageweb import checks, embedded_redis

PRODUCTION = {
    "SITE_URL": "https://pictures.example.org",
    "SECRET_KEY": "for-the-check-only-0123456789abcdefghijklmnopqrstuvwxyz",
    "HSTS_SUBDOMAINS": "on",
}


def _ids() -> set[str]:
    return {str(found.id) for found in checks.installation()}


def test_the_installation_under_test_is_clean() -> None:
    assert _ids() == set()


def test_production_settings_are_clean(tmp_path: Path) -> None:
    checked = manage("check", "--deploy", "--fail-level", "WARNING", data_dir=tmp_path, **PRODUCTION)
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        ("zimageweb.W001", {"SITE_URL": "http://pictures.example.org"}),
        ("zimageweb.W002", {"SITE_URL": "https://pictures.example.org", "DEBUG": True}),
        ("zimageweb.W003", {"READY_FREE_MEGABYTES": 10**9}),
        ("zimageweb.W004", {"SIGNUP": "open"}),
        ("zimageweb.W005", {"SITE_URL": "http://0.0.0.0:7860"}),
        ("zimageweb.E003", {"EMBEDDED_REDIS_SOCKET": Path("/tmp") / ("deep" * 30) / "redis.sock"}),  # noqa: S108
        ("zimageweb.E005", {"SITE_URL": "https://example.org/pictures"}),
    ],
)
def test_each_fault_has_its_number(settings: Settings, found: str, changes: dict[str, object]) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert _ids() == {found}


def test_a_folder_that_cannot_be_written_to_is_an_error(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.touch()
    assert _ids() == {"zimageweb.E001"}
    assert list(tmp_path.iterdir()) == [settings.DATA_DIR]


def test_an_open_folder_of_the_socket_is_an_error(settings: Settings, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    settings.EMBEDDED_REDIS_SOCKET = tmp_path / "redis.sock"
    assert _ids() == {"zimageweb.E004"}


def test_a_missing_redis_server_is_an_error_unless_one_runs_elsewhere(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "server_binary", lambda: None)
    assert _ids() == {"zimageweb.E002"}
    settings.REDIS_IS_EMBEDDED = False
    assert _ids() == set()


def test_sign_up_for_everybody_is_fine_with_a_mail_server(settings: Settings) -> None:
    settings.SIGNUP, settings.ACCOUNT_EMAIL_VERIFICATION = "open", "optional"
    assert _ids() == set()
