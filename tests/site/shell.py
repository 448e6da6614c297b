"""Django's shell on a running site's own data, kept open: to start one takes longer than most of what is done in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.site.running import MANAGE, environment

_LOOP = """
import contextlib, io, json, sys, traceback
for line in sys.stdin:
    printed, error = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(json.loads(line), {})
    except Exception:
        error = traceback.format_exc()
    print(json.dumps([printed.getvalue(), error]), flush=True)
"""


@dataclass(frozen=True)
class Shell:
    _process: subprocess.Popen[str]

    def __call__(self, script: str) -> str:
        """What `script` has printed. Each starts with no names of another's."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(script) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the shell has ended"
        printed, error = json.loads(answer)
        assert not error, error
        return str(printed)


@contextmanager
def open_shell(data_dir: Path, **changes: str) -> Iterator[Shell]:
    command = [sys.executable, str(MANAGE), "shell", "--no-imports", "-c", _LOOP]
    given = environment(data_dir, **changes)
    with subprocess.Popen(command, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Shell(process)
