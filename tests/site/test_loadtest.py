"""`manage.py loadtest`, and the engine that only takes its time."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from generation.engine import timed
from generation.engine.exceptions import DrawingCancelled, EngineError, UnsupportedRequest
from generation.engine.types import DrawRequest, EngineOptions, StepReport
from tests.site.running import Site, manage, site, until

TIMED = {"ZIMAGE_MODEL": "timed:0.2", "ZIMAGE_BENCHMARK": "on", "READY_NEEDS_WORKER": "on"}


@pytest.fixture(scope="module")
def running(earlier_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = Path(shutil.copytree(earlier_run, tmp_path_factory.mktemp("loaded") / "data"))
    with site(folder, **TIMED) as started:
        until(started.is_ready, seconds=60, what="the worker is ready")
        yield started


def url(of: Site) -> str:
    return f"http://localhost:{of.port}"


def table(output: str) -> list[dict[str, str]]:
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in output.splitlines() if line[:1] == "|"]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def test_people_made_for_it_all_get_their_picture_and_leave_nothing(running: Site, tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    words = ("--make-users", "--users", "1,2", "--size", "64x96", "--steps", "2", "--pictures", "2")
    done = manage("loadtest", url(running), *words, "--plot", str(plot), data_dir=running.data_dir)
    assert done.returncode == 0, done.stderr
    rounds = table(done.stdout)
    assert [(row["users"], row["failed %"]) for row in rounds] == [("1", "0.0"), ("2", "0.0")]
    for row in rounds:
        assert 0 < float(row["mean s"]) <= float(row["p95 s"]) <= float(row["worst s"]) < 20
        assert float(row["images/s"]) > 0
        assert 0 < float(row["engine busy %"]) <= 100
        assert int(row["worker MB"]) > 20
    assert "0 ends were learnt from the API" in done.stdout
    assert done.stdout.splitlines()[-1] == f"All 6 pictures came; the plot is {plot}."
    assert plot.read_text().count("<circle") == 6, "mean, p95 and worst of two rounds"
    left = (
        "from django.contrib.auth.models import User; from gallery.models import Image; "
        "print(*User.objects.values_list('username', flat=True), Image.objects.count())"
    )
    assert manage("shell", "-v", "0", "-c", left, data_dir=running.data_dir).stdout.split() == ["admin", "0"]
    assert not [path for path in (running.data_dir / "media").rglob("*") if path.is_file()]


def test_a_token_alone_waits_by_socket_too(running: Site, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(manage("create_api_token", "admin", data_dir=running.data_dir).stdout)
    words = ("--token-file", str(tokens), "--users", "1", "--size", "64x64", "--steps", "2")
    done = manage("loadtest", url(running), *words, data_dir=running.data_dir)
    assert done.returncode == 0, done.stderr
    assert "0 ends were learnt from the API" in done.stdout


def test_whoever_is_refused_has_failed(running: Site, tmp_path: Path) -> None:
    """Two steps fit; a size that the engine cannot draw is answered 422, which is not a quick success."""
    words = ("--make-users", "--users", "1", "--size", "65x64", "--steps", "2")
    done = manage("loadtest", url(running), *words, data_dir=running.data_dir)
    assert done.returncode == 1
    assert table(done.stdout)[0]["failed %"] == "100.0"
    assert re.search(r"1 × asking was answered 422", done.stderr)
    assert "None of 1 pictures came" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("http://192.0.2.1:7860", "--make-users"), "192.0.2.1 is another machine."),
        (("http://localhost:7860", "--make-users", "--users", "5,1001"), "must be from 1 to 1000"),
        (("http://localhost:7860",), "Say who asks"),
        (("localhost:7860", "--make-users"), "is not the address of a site"),
        (("http://localhost:1", "--token-file", "/nowhere"), "/nowhere cannot be read"),
    ],
)
def test_it_refuses_in_one_sentence(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    refused = manage("loadtest", *words, data_dir=tmp_path)
    assert refused.returncode != 0
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ZIMAGE_MODEL": "timed:0.2"}, "mark this site as a benchmark with ZIMAGE_BENCHMARK=on"),
        ({"ZIMAGE_MODEL": "timed:soon", "ZIMAGE_BENCHMARK": "on"}, "after timed: comes the time of a megapixel-step"),
    ],
)
def test_a_worker_takes_the_timed_engine_only_on_a_benchmark(
    known_folder: Path, changes: dict[str, str], sentence: str
) -> None:
    assert manage("migrate", data_dir=known_folder).returncode == 0
    refused = manage("worker", data_dir=known_folder, **changes)
    assert refused.returncode == os.EX_CONFIG
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


class TestTimedEngine:
    @pytest.fixture
    def engine(self, tmp_path: Path) -> timed.TimedEngine:
        return timed.load(EngineOptions("timed:0.5", tmp_path, max_batch=2, benchmark=True))

    @pytest.fixture
    def requests(self) -> list[DrawRequest]:
        return [DrawRequest("a flat picture", width=320, height=64, steps=4, seed=seed) for seed in (1, 2)]

    def test_the_mark_is_needed(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="ZIMAGE_BENCHMARK=on"):
            timed.load(EngineOptions("timed:0.5", tmp_path))

    def test_it_reports_each_step_and_gives_previews(
        self, engine: timed.TimedEngine, requests: list[DrawRequest]
    ) -> None:
        reports: list[StepReport] = []
        pictures = engine.draw(requests, lambda report: reports.append(report) or ())
        assert [(report.step, report.steps, report.active) for report in reports] == [
            (n, 4, (0, 1)) for n in (1, 2, 3, 4)
        ]
        assert [preview.size for preview in reports[0].previews() if preview] == [(256, 51)] * 2
        assert [picture.size for picture in pictures if picture] == [(320, 64)] * 2
        assert pictures[0] != pictures[1]

    def test_a_cancelled_one_is_drawn_no_further(self, engine: timed.TimedEngine, requests: list[DrawRequest]) -> None:
        active: list[tuple[int, ...]] = []

        def drop_the_first(report: StepReport) -> list[int]:
            active.append(report.active)
            assert [preview is None for preview in report.previews()] == [
                index not in report.active for index in (0, 1)
            ]
            return [0] if report.step == 2 else []

        first, second = engine.draw(requests, drop_the_first)
        assert (first, second is None) == (None, False)
        assert active == [(0, 1), (0, 1), (1,), (1,)]

    def test_when_all_are_cancelled_it_stops_within_the_step(
        self, engine: timed.TimedEngine, requests: list[DrawRequest]
    ) -> None:
        steps: list[int] = []
        with pytest.raises(DrawingCancelled):
            engine.draw(requests, lambda report: steps.append(report.step) or (0, 1))
        assert steps == [1]

    def test_a_size_that_it_does_not_draw_is_refused(self, engine: timed.TimedEngine) -> None:
        with pytest.raises(UnsupportedRequest, match="multiples of 16"):
            engine.draw([DrawRequest("x", width=100, height=64, steps=1, seed=1)], lambda _report: ())
