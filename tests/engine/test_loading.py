"""Finding and refusing models; what the card says; what importing costs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generation.engine.engine import PipelineEngine, load
from generation.engine.exceptions import EngineError, ModelBroken, ModelNotFound
from generation.engine.types import EngineOptions, ModelCard

from .conftest import ask, draw, refusal


@pytest.fixture
def copy(starter: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(starter, tmp_path / "copy"))


def test_auto_without_cuda_is_the_starter(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    told: list[float] = []
    engine = load(
        EngineOptions(model="auto", device="cpu", starter_dir=starter),
        lambda share, what: told.append(share) if what else None,
    )
    engine.warm_up()
    assert engine.card.is_starter
    assert engine.card.max_batch == 1
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_starter_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="ships with the project"):
        load(EngineOptions(model="auto", device="cpu", starter_dir=tmp_path / "none"))


def test_the_card_describes_the_model(engine: PipelineEngine, starter: Path) -> None:
    card = engine.card
    assert (card.name, card.source, card.device, card.dtype) == ("Starter model", str(starter), "cpu", "float32")
    assert (card.size_step, card.min_side, card.max_side) == (32, 128, 384)
    assert (card.default_steps, card.default_guidance, card.max_batch) == (8, 0.0, 4)
    assert (card.max_prompt_tokens, card.max_steps) == (256, 50)
    assert (card.quantization, card.offload) == ("none", "none")
    assert "float32 weights, all parts stay on cpu" in card.plan
    assert set(card.versions) == {"torch", "diffusers", "transformers"}
    assert ModelCard(**json.loads(json.dumps(card.as_dict()))) == card


def test_a_model_without_description_gets_the_pipelines_limits(copy: Path) -> None:
    (copy / "zimageweb.json").unlink()
    scheduler = copy / "scheduler" / "scheduler_config.json"
    scheduler.write_text(json.dumps(json.loads(scheduler.read_text()) | {"max_image_seq_len": 1024}))
    encoder = copy / "text_encoder" / "config.json"
    encoder.write_text(json.dumps(json.loads(encoder.read_text()) | {"max_position_embeddings": 700}))
    card = load(EngineOptions(model=str(copy), starter_dir=copy)).card
    native = 1024 * card.size_step**2
    assert (card.native_pixels, card.min_side, card.max_side, card.max_pixels) == (native, 256, 2048, 4 * native)
    assert card.max_prompt_tokens == 700


def test_a_plain_model_gets_the_limits_of_z_image(copy: Path) -> None:
    (copy / "zimageweb.json").unlink()
    card = load(EngineOptions(model=str(copy), starter_dir=copy)).card
    assert (card.name, card.is_starter, card.can_start_from_image) == ("copy", False, True)
    assert card.native_pixels == 4096 * card.size_step**2


def test_the_revision_follows_the_contents(engine: PipelineEngine, copy: Path) -> None:
    options = EngineOptions(model=str(copy), starter_dir=copy)
    assert load(options).card.revision == engine.card.revision
    with (copy / "scheduler" / "scheduler_config.json").open("a") as file:
        file.write("\n")
    assert load(options).card.revision != engine.card.revision


def test_a_wrong_name_is_refused(starter: Path) -> None:
    assert "ZIMAGE_MODEL" in refusal(ModelNotFound, "no such model", starter)


def test_a_model_that_the_hub_does_not_give_is_refused(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    options = EngineOptions(model="nobody/no-such-model", starter_dir=starter, cache_dir=tmp_path)
    with pytest.raises(ModelNotFound, match=r"nobody/no-such-model.*network.*auto"):
        load(options)


def test_a_model_in_the_hubs_cache_draws_without_the_network(
    engine: PipelineEngine, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "cache" / "models--somebody--small"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    (cached / "snapshots").mkdir()
    copy.rename(cached / "snapshots" / commit)
    options = EngineOptions(model="somebody/small", starter_dir=tmp_path / "none", cache_dir=tmp_path / "cache")
    loaded = load(options)
    assert isinstance(loaded, PipelineEngine)
    assert (loaded.card.source, loaded.card.revision) == ("somebody/small", commit)
    assert draw(loaded, ask()).tobytes() == draw(engine, ask()).tobytes()


def test_a_folder_without_model_is_refused(starter: Path, tmp_path: Path) -> None:
    assert "model_index.json" in refusal(ModelNotFound, tmp_path, starter)


@pytest.mark.parametrize(
    "part",
    [
        "transformer/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer.json",
        "transformer/config.json",
        "model_index.json",
        "zimageweb.json",
    ],
)
def test_a_truncated_file_is_noticed(copy: Path, part: str) -> None:
    path = copy / part
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "damaged" in refusal(ModelBroken, copy, copy)


def test_missing_weights_are_noticed(copy: Path) -> None:
    (copy / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    refusal(ModelBroken, copy, copy)


def test_another_kind_of_pipeline_is_refused(copy: Path) -> None:
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "model_index.json").write_text(json.dumps(index | {"_class_name": "FluxPipeline"}))
    assert "FluxPipeline" in refusal(ModelBroken, copy, copy)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("device", "gpu"),
        ("device", "cuda:9"),
        ("dtype", "int3"),
        ("offload", "everything"),
        ("quantization", "2bit"),
        ("attention", "staring"),
    ],
)
def test_options_that_make_no_sense_are_refused(starter: Path, option: str, value: str) -> None:
    assert f"ZIMAGE_{option.upper()}" in refusal(EngineError, starter, starter, **{option: value})


@pytest.mark.parametrize("module", ["generation.engine", "generation.engine.types", "generation.engine.exceptions"])
def test_the_light_modules_import_neither_torch_nor_diffusers(module: str) -> None:
    result = run(f"import {module}, sys; print({{'torch', 'diffusers', 'transformers', 'django'}} & set(sys.modules))")
    assert result.stdout.strip() == "set()"


def test_the_engine_knows_no_django() -> None:
    result = run("import generation.engine.engine, sys; print('django' in sys.modules)")
    assert result.stdout.strip() == "False"


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
