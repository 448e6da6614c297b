"""`manage.py prepare_model` against a real small hub on this machine: what it leaves, refuses, and goes on with."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from generation.engine.engine import PipelineEngine, load
from generation.engine.exceptions import ModelBroken
from generation.engine.model_folder import TURBO
from generation.engine.prepared import RECORD_FILE, read_record
from generation.engine.sources import Source, find_source
from generation.engine.types import EngineOptions
from tests.site.running import MANAGE, environment, free_port, manage, until

from .conftest import ask, draw
from .full_disks import FULL, TOO_SMALL, fill_the_disk
from .mirror import COMMIT, MODEL, SHARD, Mirror, publish, serve


@pytest.fixture(scope="module")
def published(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(starter, tmp_path_factory.mktemp("published") / "small-z-image")


@pytest.fixture
def hub(published: Path) -> Iterator[Mirror]:
    with serve(published) as mirror:
        yield mirror


def given(hub: Mirror, data_dir: Path) -> dict[str, str]:
    return hub.environment | {"HF_HOME": str(data_dir / "hf")}


def prepare(hub: Mirror, data_dir: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return manage("prepare_model", *(words or (MODEL,)), data_dir=data_dir, **given(hub, data_dir) | changes)


def start(hub: Mirror, data_dir: Path, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(MANAGE), "prepare_model", MODEL],
        env=environment(data_dir, **given(hub, data_dir)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def place_of(data_dir: Path, model: str = MODEL) -> Path:
    return data_dir / "models" / model.replace("/", "--")


def complaints(result: subprocess.CompletedProcess[str]) -> list[str]:
    """What is said beside the plan by which the model is loaded."""
    return [line for line in result.stderr.splitlines() if " INFO generation.engine" not in line]


def refusal(result: subprocess.CompletedProcess[str], data_dir: Path) -> str:
    """The one sentence; nothing may lie where a worker looks."""
    assert result.returncode == 1, result.stdout + result.stderr
    (sentence,) = complaints(result)
    assert sentence.endswith(".")
    assert not place_of(data_dir).exists()
    return sentence


def closing(result: subprocess.CompletedProcess[str]) -> str:
    assert (result.returncode, complaints(result)) == (0, [])
    return result.stdout.splitlines()[-1]


def formats(folder: Path) -> set[str]:
    found = set()
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, framework="pt") as weights:
            found |= {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118
    return found


def test_from_a_mirror_to_a_picture_without_network(hub: Mirror, published: Path, tmp_path: Path) -> None:
    sentence = closing(prepare(hub, tmp_path))
    told = re.search(rf"{MODEL} was made from ([\d.]+) MB and lies in (\S+): ([\d.]+) MB in bfloat16", sentence)
    assert told
    assert Path(told[2]) == place_of(tmp_path)
    assert float(told[1]) / float(told[3]) == pytest.approx(2, rel=0.05)
    assert {"assets/teaser.png", "README.md", "transformer/diffusion_pytorch_model.bin"}.isdisjoint(hub.fetched())
    assert formats(place_of(tmp_path)) == {"BF16"}
    assert not list((tmp_path / "models" / ".preparing").glob("studio*"))

    record = read_record(place_of(tmp_path))
    assert record is not None
    assert (record.id, record.source, record.revision) == (MODEL, "huggingface", COMMIT)
    assert (record.licence, record.dtype) == ("apache-2.0", "bfloat16")

    asked = len(hub.asked)
    options = {"starter_dir": tmp_path / "starter", "dtype": "bfloat16", "device": "cpu"}
    engine = load(EngineOptions(model=MODEL, models_dir=tmp_path / "models", **options))  # type: ignore[arg-type]
    original = load(EngineOptions(model=str(published), **options))  # type: ignore[arg-type]
    assert len(hub.asked) == asked
    assert isinstance(engine, PipelineEngine)
    assert isinstance(original, PipelineEngine)
    assert (engine.card.name, engine.card.source, engine.card.revision) == ("small-z-image", MODEL, COMMIT)
    side = engine.card.min_side
    assert f"one picture of {side} x {side} was drawn" in sentence
    request = ask(width=side, height=side)
    assert draw(engine, request).tobytes() == draw(original, request).tobytes()
    assert "was there already" in closing(prepare(hub, tmp_path))
    assert hub.fetched().total() == len(record.files)


def test_with_cuda_auto_takes_the_prepared_model(tmp_path: Path) -> None:
    options = EngineOptions(model="auto", starter_dir=tmp_path / "starter", models_dir=tmp_path / "models")
    cuda, place = torch.device("cuda"), place_of(tmp_path, TURBO)
    assert find_source(options, cuda) == Source(TURBO, None, from_hub=True)
    place.mkdir(parents=True)
    assert find_source(options, cuda) == Source(TURBO, None, from_hub=True), "a folder without a record is none of ours"
    fields = {"source": "folder", "revision": "1", "licence": "", "dtype": "bfloat16", "prepared_at": "", "files": {}}
    (place / RECORD_FILE).write_text(json.dumps({"id": TURBO, **fields}))
    assert find_source(options, cuda) == Source(TURBO, place)


def test_a_line_that_breaks_is_taken_up_in_the_middle_of_the_file(hub: Mirror, tmp_path: Path) -> None:
    hub.drops = {SHARD.format(3): 2, "vae/diffusion_pytorch_model.safetensors": 1}
    closing(prepare(hub, tmp_path))
    assert [path for path, _ in hub.resumed()] == [SHARD.format(3)] * 2 + ["vae/diffusion_pytorch_model.safetensors"]
    assert set(hub.fetched().values()) == {1}


def test_interrupted_it_goes_on_with_checked_files_and_the_half_one(hub: Mirror, tmp_path: Path) -> None:
    hub.stalls, downloads = {SHARD.format(5)}, tmp_path / "models" / ".preparing"
    with start(hub, tmp_path) as process:
        part = f"*/*/downloads/{SHARD.format(5)}"
        until(lambda: any(path.stat().st_size for path in downloads.glob(part)), seconds=60, what="half a file")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    sentence = refusal(subprocess.CompletedProcess([], process.returncode, out, err), tmp_path)
    assert "Interrupted; run the same command again and it goes on" in sentence

    (staged,) = (tmp_path / "models" / ".preparing").glob("studio--small-z-image/*/model")
    rotten = staged / SHARD.format(2)
    content = rotten.read_bytes()
    rotten.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    hub.stalls = set()
    closing(prepare(hub, tmp_path))
    fetched = hub.fetched()
    assert fetched[SHARD.format(1)] == 1
    assert fetched[SHARD.format(2)] == 2, "a finished file that has changed is fetched again"
    assert fetched[SHARD.format(5)] == 1
    assert [path for path, _ in hub.resumed()] == [SHARD.format(5)]


def test_what_came_damaged_or_cut_is_fetched_anew_by_the_next_run(hub: Mirror, tmp_path: Path) -> None:
    hub.swapped = {SHARD.format(4)}
    assert "came damaged and was thrown away; run the same command again" in refusal(prepare(hub, tmp_path), tmp_path)
    hub.swapped, hub.cut = set(), {SHARD.format(7)}
    assert "did not come whole; run the same command again" in refusal(prepare(hub, tmp_path), tmp_path)
    hub.cut = set()
    closing(prepare(hub, tmp_path))
    fetched = hub.fetched()
    assert (fetched[SHARD.format(3)], fetched[SHARD.format(4)], fetched[SHARD.format(5)]) == (1, 2, 1)


def test_what_a_hub_refuses_is_one_sentence(hub: Mirror, tmp_path: Path) -> None:
    wrong = refusal(prepare(hub, tmp_path, "studio/no-such-model"), tmp_path)
    assert f"There is no model studio/no-such-model at {hub.address}" in wrong
    hub.gated = True
    gated = refusal(prepare(hub, tmp_path), tmp_path)
    assert f"is gated: accept its terms at {hub.address}/{MODEL}, set HF_TOKEN" in gated


def test_no_network_is_one_sentence(hub: Mirror, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert "cannot be reached" in refusal(prepare(hub, tmp_path, HF_ENDPOINT=nowhere), tmp_path)
    assert "HF_HUB_OFFLINE" in refusal(prepare(hub, tmp_path, HF_HUB_OFFLINE="1"), tmp_path)


def test_a_disk_too_small_is_said_before_anything_large_is_fetched(hub: Mirror, tmp_path: Path) -> None:
    hub.announced = {SHARD.format(1): 10**15}
    assert TOO_SMALL in refusal(prepare(hub, tmp_path), tmp_path)
    assert list(hub.fetched()) == ["model_index.json"]


def test_a_disk_that_fills_up_is_one_sentence(hub: Mirror, tmp_path: Path) -> None:
    with start(hub, tmp_path, preexec_fn=fill_the_disk) as process:
        out, err = process.communicate(timeout=60)
    assert FULL in refusal(subprocess.CompletedProcess([], process.returncode, out, err), tmp_path)


def test_what_is_no_z_image_pipeline_is_refused_before_its_weights_come(published: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(published, tmp_path / "published"))
    index = json.loads((other / "model_index.json").read_text())
    (other / "model_index.json").write_text(json.dumps(index | {"_class_name": "FluxPipeline"}))
    with serve(other) as hub:
        assert "is a FluxPipeline, not a ZImagePipeline" in refusal(prepare(hub, tmp_path), tmp_path)
        (other / "model_index.json").unlink()
        assert "holds no model_index.json" in refusal(prepare(hub, tmp_path), tmp_path)
        assert set(hub.fetched()) == {"model_index.json"}
        assert "neither a folder here nor a name on a hub" in refusal(prepare(hub, tmp_path, "what?"), tmp_path)


def test_a_folder_is_prepared_too_and_stays_as_it_is(hub: Mirror, published: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in published.rglob("*") if path.is_file()}
    sentence = closing(prepare(hub, tmp_path, str(published), "--dtype", "float32", HF_HUB_OFFLINE="1"))
    place = place_of(tmp_path, "small-z-image")
    assert sentence.endswith(f"set ZIMAGE_MODEL={place} to use it.")
    assert formats(place) == {"F32"}
    assert {path: path.read_bytes() for path in before} == before
    record = read_record(place)
    assert record is not None
    assert (record.source, record.licence) == ("folder", "apache-2.0")
    (place / SHARD.format(1)).unlink()
    with pytest.raises(ModelBroken, match=r"prepared model in .* run `manage.py prepare_model` again for"):
        load(EngineOptions(model=str(place), starter_dir=place))
    assert "was made from" in closing(prepare(hub, tmp_path, str(published), "--dtype", "float32"))


def test_a_format_in_which_only_black_comes_out_is_refused(hub: Mirror, published: Path, tmp_path: Path) -> None:
    bright = Path(shutil.copytree(published, tmp_path / "bright"))
    weights = bright / "vae" / "diffusion_pytorch_model.safetensors"
    beyond_float16 = {"decoder.conv_in.weight": 1e6}
    save_file({name: weight * beyond_float16.get(name, 1) for name, weight in load_file(weights).items()}, weights)
    result = prepare(hub, tmp_path, str(bright), "--dtype", "float16")
    assert "draws nothing in float16; prepare it with --dtype float32" in refusal(result, tmp_path)
    assert not place_of(tmp_path, "bright").exists()


def test_two_at_once_and_foreign_folders_are_refused(hub: Mirror, published: Path, tmp_path: Path) -> None:
    (tmp_path / "models" / ".preparing").mkdir(parents=True)
    with (tmp_path / "models" / ".preparing" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another prepare_model is at work" in refusal(prepare(hub, tmp_path), tmp_path)
    (place_of(tmp_path, "small-z-image")).mkdir()
    assert "in the way" in refusal(prepare(hub, tmp_path, str(published)), tmp_path)
    itself = str(place_of(tmp_path, "small-z-image"))
    shutil.copytree(published, itself, dirs_exist_ok=True)
    assert "give what it was made from" in refusal(prepare(hub, tmp_path, itself), tmp_path)


def test_modelscope_without_its_package_names_the_command(hub: Mirror, tmp_path: Path) -> None:
    (tmp_path / "modelscope_hub.py").write_text("raise ImportError")  # as if it were not installed, wherever this runs
    result = prepare(hub, tmp_path, MODEL, "--source", "modelscope", PYTHONPATH=str(tmp_path))
    assert "pip install modelscope-hub" in refusal(result, tmp_path)
