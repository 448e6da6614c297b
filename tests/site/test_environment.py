"""The readers of the environment, and that .env.example names every variable and nothing else."""

from __future__ import annotations

import itertools
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

import zimageweb
from tests.site.running import MANAGE, environment, manage
from zimageweb import environment as readers

_LIST_NAMES = """
from zimageweb import environment
names, read = set(), environment.text
environment.text = lambda name, default="": (names.add(name), read(name, default))[1]
import zimageweb.settings
print(*sorted(names))
"""


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("THING", raising=False)
    monkeypatch.delenv("THING_FILE", raising=False)
    return monkeypatch


def test_env_example_names_what_settings_read(tmp_path: Path) -> None:
    read = subprocess.run(
        [sys.executable, "-c", _LIST_NAMES],
        env=environment(tmp_path),
        cwd=MANAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    example = (MANAGE.parent / ".env.example").read_text()
    named = re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE)
    assert sorted(named) == read
    assert len(set(named)) == len(named)


def test_env_example_explains_each_variable() -> None:
    lines = (MANAGE.parent / ".env.example").read_text().splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"# [A-Z_]+=", line):
            assert above.startswith("# "), f"{line} has no comment"


def test_the_release_has_one_number() -> None:
    declared = re.search(r'^version = "(.+)"$', (MANAGE.parent / "pyproject.toml").read_text(), re.MULTILINE)
    assert declared
    assert declared[1] == zimageweb.__version__


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PORT", "seven", "PORT must be a whole number, not 'seven'."),
        ("PORT", "70000", "PORT must be between 1 and 65535, not 70000."),
        ("SIGNUP", "maybe", "SIGNUP must be one of closed, invite, approval, open, not 'maybe'."),
        ("DEBUG", "perhaps", "DEBUG must be on or off, not 'perhaps'."),
        ("RATE_LIMIT", "fast", "RATE_LIMIT must look like '5/s burst 10' or be empty, not 'fast'."),
        ("RATE_LIMIT", "0/s burst 10", "RATE_LIMIT must look like"),
        ("PREDICT_TIMEOUT_SECONDS", "0", "PREDICT_TIMEOUT_SECONDS must be between 1 and 3600, not 0."),
        ("SITE_URL", "pictures.example.org", "SITE_URL must look like https://pictures.example.org"),
        ("SECRET_KEY_FILE", "/proc/nothing", "SECRET_KEY_FILE: /proc/nothing cannot be read"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(tmp_path: Path, variable: str, value: str, sentence: str) -> None:
    refused = manage("check", data_dir=tmp_path, **{variable: value})
    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_an_empty_variable_counts_as_not_given(given: pytest.MonkeyPatch) -> None:
    given.setenv("THING", "")
    assert readers.text("THING", "default") == "default"
    assert readers.whole_number("THING", 5, least=0, most=9) == 5
    assert readers.switch("THING", True)
    assert readers.words("THING", "a,b") == ["a", "b"]


def test_a_rate_is_so_many_in_a_time_and_an_empty_one_is_no_limit(given: pytest.MonkeyPatch) -> None:
    assert readers.rate("THING", "5/s burst 10") == (5.0, 10)
    given.setenv("THING", "30/m burst 4")
    assert readers.rate("THING", "5/s burst 10") == (0.5, 4)
    given.setenv("THING", "")
    assert readers.rate("THING", "5/s burst 10") is None


def test_a_limit_may_be_none_but_not_less_than_its_least(given: pytest.MonkeyPatch) -> None:
    assert readers.limit("THING", None, most=5) is None
    given.setenv("THING", "0")
    assert readers.limit("THING", None, most=5) == 0
    with pytest.raises(ImproperlyConfigured, match=r"THING.*1"):
        readers.limit("THING", None, least=1, most=5)


def test_a_value_is_taken_as_it_is(given: pytest.MonkeyPatch) -> None:
    given.setenv("THING", "$HOME=%x#y")  # as passwords and keys may look
    assert readers.text("THING") == "$HOME=%x#y"


def test_a_secret_may_come_from_a_file(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    given.setenv("THING_FILE", str(tmp_path / "secret"))
    given.setenv("THING", "from the environment")
    assert readers.text("THING") == "from a file"


class TestSecretKey:
    @pytest.fixture(autouse=True)
    def none_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SECRET_KEY")

    def test_it_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        key = readers.secret_key(tmp_path / "data")
        assert len(key) >= 50
        assert readers.secret_key(tmp_path / "data") == key
        assert stat.S_IMODE((tmp_path / "data" / "secret_key").stat().st_mode) == 0o600
        assert os.listdir(tmp_path / "data") == ["secret_key"]  # noqa: PTH208

    def test_processes_that_start_at_once_agree(self, tmp_path: Path) -> None:
        together, keys = threading.Barrier(8), set()

        def start() -> None:
            together.wait()
            keys.add(readers.secret_key(tmp_path))

        starting = [threading.Thread(target=start) for _ in range(8)]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        assert len(keys) == 1

    def test_a_folder_that_cannot_be_used_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(ImproperlyConfigured, match="choose another one with ZIMAGE_DATA_DIR"):
            readers.secret_key(tmp_path / "file")


def test_a_deep_data_folder_still_has_a_socket_address_that_fits(tmp_path: Path) -> None:
    short, deep = readers.embedded_redis_socket(tmp_path), readers.embedded_redis_socket(tmp_path / ("deep" * 30))
    assert short == tmp_path / "redis" / "redis.sock"
    assert len(str(deep)) <= readers.LONGEST_SOCKET_PATH
    assert deep != readers.embedded_redis_socket(tmp_path / ("deep" * 31))
