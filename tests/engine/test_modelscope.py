"""`manage.py prepare_model --source modelscope`: ModelScope's own client against a small ModelScope on this machine."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.engine.engine import PipelineEngine, load
from generation.engine.exceptions import EngineError, ModelBroken, ModelNotFound
from generation.engine.prepared import read_record
from generation.engine.preparing.modelscope import ModelScopeRepository
from generation.engine.types import EngineOptions
from tests.site.running import MANAGE, environment, free_port, manage, until

from .conftest import ask, draw, needs
from .full_disks import FULL, TOO_SMALL, fill_the_disk
from .mirror import MODEL, SHARD, publish
from .modelscope_mirror import ModelScope, serve
from .test_preparing import closing, formats, place_of, refusal

NO_RETRIES = {"MODELSCOPE_DOWNLOAD_MAX_RETRIES": "0", "MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS": "1"}
VAE = "vae/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def published(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("modelscope_hub")
    return publish(starter, tmp_path_factory.mktemp("published") / "small-z-image")


@pytest.fixture
def scope(published: Path) -> Iterator[ModelScope]:
    with serve(published) as mirror:
        yield mirror


def given(scope: ModelScope, data_dir: Path) -> dict[str, str]:
    return scope.environment | {"HOME": str(data_dir / "home")}


def prepare(scope: ModelScope, data_dir: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    words = ("prepare_model", MODEL, "--source", "modelscope")
    return manage(*words, data_dir=data_dir, **given(scope, data_dir) | changes)


def start(scope: ModelScope, data_dir: Path, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(MANAGE), "prepare_model", MODEL, "--source", "modelscope"],
        env=environment(data_dir, **given(scope, data_dir), **NO_RETRIES),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


@pytest.fixture
def here(scope: ModelScope, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModelScope:
    """ModelScope as this process sees it."""
    for name, value in given(scope, tmp_path).items():
        monkeypatch.setenv(name, value)
    return scope


def said(kind: type[EngineError], model: str = MODEL) -> str:
    with pytest.raises(EngineError) as caught:
        ModelScopeRepository(model)
    assert type(caught.value) is kind
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_from_modelscope_to_a_picture_without_network(scope: ModelScope, published: Path, tmp_path: Path) -> None:
    scope.drops = {SHARD.format(3): 1}  # which the client takes up by itself
    sentence = closing(prepare(scope, tmp_path))
    assert f"lies in {place_of(tmp_path)}" in sentence
    assert "picture of" in sentence
    record = read_record(place_of(tmp_path))
    assert record is not None
    assert (record.id, record.source, record.licence) == (MODEL, "modelscope", "apache-2.0")
    assert set(scope.fetched()) == set(record.files)
    assert set(scope.fetched().values()) == {1}
    assert [path for path, _ in scope.resumed()] == [SHARD.format(3)]
    assert formats(place_of(tmp_path)) == {"BF16"}
    assert not list((tmp_path / "models" / ".preparing").glob("studio*"))
    assert not list((tmp_path / "home").rglob("*.lock"))

    asked = len(scope.asked)
    options = {"starter_dir": tmp_path / "starter", "dtype": "bfloat16", "device": "cpu"}
    engine = load(EngineOptions(model=MODEL, models_dir=tmp_path / "models", **options))  # type: ignore[arg-type]
    original = load(EngineOptions(model=str(published), **options))  # type: ignore[arg-type]
    assert isinstance(engine, PipelineEngine)
    assert isinstance(original, PipelineEngine)
    assert engine.card.source == MODEL
    request = ask(width=engine.card.min_side, height=engine.card.min_side)
    assert draw(engine, request).tobytes() == draw(original, request).tobytes()
    assert len(scope.asked) == asked


def test_interrupted_it_goes_on_and_outlasts_more_broken_lines_than_the_client(
    scope: ModelScope, tmp_path: Path
) -> None:
    scope.stalls, scope.tells, downloads = {SHARD.format(5)}, False, tmp_path / "models" / ".preparing"
    with start(scope, tmp_path) as process:
        part = f"*/*/downloads/{SHARD.format(5)}*"
        until(lambda: any(path.stat().st_size for path in downloads.glob(part)), seconds=60, what="half a file")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    sentence = refusal(subprocess.CompletedProcess([], process.returncode, out, err), tmp_path)
    assert "Interrupted; run the same command again and it goes on" in sentence

    scope.stalls, scope.drops = set(), {SHARD.format(6): 3}
    closing(prepare(scope, tmp_path, **NO_RETRIES))
    assert set(scope.fetched().values()) == {1}
    assert [path for path, _ in scope.resumed()] == [SHARD.format(5)] + [SHARD.format(6)] * 3
    record = read_record(place_of(tmp_path))
    assert record is not None
    assert record.licence == "Apache License 2.0"


def test_what_came_damaged_is_one_sentence_and_nothing_of_it_stays(scope: ModelScope, tmp_path: Path) -> None:
    scope.swapped = {SHARD.format(2)}
    sentence = refusal(prepare(scope, tmp_path), tmp_path)
    assert f"{SHARD.format(2)} of {MODEL} came damaged and was thrown away; run the same command again" in sentence
    assert scope.fetched()[SHARD.format(1)] == 1
    assert scope.fetched()[SHARD.format(3)] == 0
    (staged,) = (tmp_path / "models" / ".preparing").glob("studio--small-z-image/*")
    assert (staged / "model" / SHARD.format(1)).is_file()
    assert not list(staged.rglob(f"{Path(SHARD.format(2)).name}*"))


def test_a_file_that_is_shorter_than_listed_or_gone_is_one_sentence(
    here: ModelScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelscope_hub._download.DOWNLOAD_INTEGRITY_RETRY_BACKOFF", 0)  # seconds before it asks again
    repository, bytes_told = ModelScopeRepository(MODEL), []
    vae = next(file for file in repository.files if file.path == VAE)
    here.cut = {VAE}
    with pytest.raises(ModelBroken, match=f"{VAE} of {MODEL} did not come whole; run the same command again"):
        repository.fetch(vae, tmp_path, bytes_told.append)
    here.cut, here.swapped = set(), {VAE}
    with pytest.raises(ModelBroken, match="came damaged"):
        repository.fetch(vae, tmp_path, bytes_told.append)
    assert sum(bytes_told) == vae.size, "what came three times is counted once"
    here.folder = tmp_path
    with pytest.raises(ModelBroken, match=f"lists {VAE} of {MODEL} but does not have it"):
        repository.fetch(vae, tmp_path, bytes_told.append)


def test_what_modelscope_refuses_is_one_sentence(here: ModelScope) -> None:
    wrong = said(ModelNotFound, "studio/no-such-model")
    assert f"There is no model studio/no-such-model at {here.address}, or it is private" in wrong
    here.refuses = 403
    assert "does not give studio/small-z-image to this account; set MODELSCOPE_API_TOKEN" in said(ModelNotFound)
    here.refuses = 429
    assert f"{here.address} answered 429 when asked for {MODEL}; wait a while" in said(ModelNotFound)
    here.refuses, here.answers = 0, ["a portal that wants to be paid"]
    assert f"{here.address} does not answer like ModelScope; check MODELSCOPE_ENDPOINT" in said(ModelNotFound)


def test_no_network_is_one_sentence(scope: ModelScope, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    sentence = refusal(prepare(scope, tmp_path, MODELSCOPE_ENDPOINT=nowhere, **NO_RETRIES), tmp_path)
    assert f"{nowhere} cannot be reached (Connection refused); check the network" in sentence


def test_a_disk_too_small_is_said_before_anything_large_is_fetched(scope: ModelScope, tmp_path: Path) -> None:
    scope.announced = {SHARD.format(1): 10**15}
    assert TOO_SMALL in refusal(prepare(scope, tmp_path), tmp_path)
    assert list(scope.fetched()) == ["model_index.json"]


def test_a_disk_that_fills_up_is_one_sentence(scope: ModelScope, tmp_path: Path) -> None:
    with start(scope, tmp_path, preexec_fn=fill_the_disk) as process:
        out, err = process.communicate(timeout=60)
    assert FULL in refusal(subprocess.CompletedProcess([], process.returncode, out, err), tmp_path)


def test_the_room_that_is_needed_is_told_by_the_numbers_in_the_files(here: ModelScope) -> None:
    repository = ModelScopeRepository(MODEL)
    weights = [file for file in repository.files if file.is_weights]
    for file in weights:
        numbers = repository.tensors(file)
        assert {word for word, _ in numbers} == {"F32"}
        assert 0 < file.size - 4 * sum(count for _, count in numbers) < 100_000
    assert here.fetched().total() == 0
