"""`manage.py prepare_model --quantization`: packed on the disk, the same pictures, and nothing else asked of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import ZImagePipeline
from safetensors.torch import load_file, save_file

from generation.engine import devices
from generation.engine.engine import PipelineEngine, load
from generation.engine.exceptions import EngineError, OutOfMemory
from generation.engine.packed import wishes
from generation.engine.plan import QUANTIZATIONS, Wishes
from generation.engine.prepared import Record, read_record, write_record
from generation.engine.preparing.packing import write_packed
from generation.engine.sources import Source
from generation.engine.types import EngineOptions, LoraWeight
from generation.engine.weights import measure
from tests.site.running import MANAGE, environment

from .conftest import ask, draw, largest_difference, needs
from .lora_making import make_lora
from .mirror import COMMIT, MODEL, Mirror, serve
from .test_preparing import closing, formats, given, place_of, prepare, refusal
from .test_quantization import TRANSFORMER, kinds


@pytest.fixture(scope="module")
def published(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As models are published, in fp32 and several files; random, for the starter's zeros are packed without loss."""
    needs("torchao")
    folder = tmp_path_factory.mktemp("published") / "small-z-image"
    ZImagePipeline.from_pretrained(random_model).save_pretrained(folder, max_shard_size="1MB")
    return folder


@pytest.fixture
def hub(published: Path) -> Iterator[Mirror]:
    with serve(published) as mirror:
        yield mirror


@pytest.fixture(scope="module")
def models_dir(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model lies packed to int8."""
    data_dir = tmp_path_factory.mktemp("packed")
    with serve(published) as mirror:
        closing(prepare(mirror, data_dir, MODEL, "--quantization", "int8"))
    return data_dir / "models"


def opened(model: str | Path, models_dir: Path, **changes: str | Path) -> PipelineEngine:
    options = EngineOptions(model=str(model), starter_dir=models_dir, models_dir=models_dir, device="cpu")
    loaded = load(replace(options, **changes))  # type: ignore[arg-type]
    assert isinstance(loaded, PipelineEngine)
    return loaded


def refused(models_dir: Path, **changes: str) -> str:
    with pytest.raises(EngineError) as caught:
        opened(MODEL, models_dir, **changes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("quantization", "stored", "kind"), [("int8", "I8", "Int8Tensor"), ("fp8", "F8_E4M3", "Float8Tensor")]
)
def test_packed_on_the_disk_it_draws_what_is_packed_when_it_is_loaded(
    hub: Mirror, published: Path, tmp_path: Path, quantization: str, stored: str, kind: str
) -> None:
    sentence = closing(prepare(hub, tmp_path, MODEL, "--quantization", quantization))
    assert f"in {quantization} and bfloat16; one picture of 512 x 512 was drawn" in sentence
    place, models_dir = place_of(tmp_path), tmp_path / "models"
    record = read_record(place)
    assert record is not None
    assert (record.quantization, record.dtype, record.revision) == (quantization, "bfloat16", COMMIT)
    assert stored in formats(place / "transformer") & formats(place / "text_encoder")
    assert formats(place / "vae") == {"BF16"}
    assert {path.stat().st_mode for path in place.rglob("*.safetensors")} == {
        (place / "model_index.json").stat().st_mode
    }

    engine = opened(MODEL, models_dir)
    assert (engine.card.quantization, engine.card.dtype, engine.card.revision) == (quantization, "bfloat16", COMMIT)
    assert kinds(engine._pipeline.transformer)["layers.0.attention.to_q"] == kind
    assert kinds(engine._pipeline.transformer)["t_embedder.mlp.0"] == "Parameter"
    assert kinds(engine._pipeline.text_encoder)["layers.0.mlp.gate_proj"] == kind
    late = opened(published, models_dir, dtype="bfloat16", quantization=quantization)
    assert draw(engine, ask(width=512, height=512)).tobytes() == draw(late, ask(width=512, height=512)).tobytes()
    assert (
        draw(opened(MODEL, models_dir, quantization=quantization), ask(width=512, height=512)).tobytes()
        == draw(engine, ask(width=512, height=512)).tobytes()
    )

    packed, before = measure(place), measure(published)
    assert packed.transformer == before.transformer
    assert packed.text_encoder == before.text_encoder
    assert "was there already" in closing(prepare(hub, tmp_path, MODEL, "--quantization", quantization))


def test_another_quantization_or_number_format_is_refused(models_dir: Path) -> None:
    for other in set(QUANTIZATIONS) - {"int8"}:
        sentence = refused(models_dir, quantization=other)
        assert f"ZIMAGE_QUANTIZATION={other} does not go with {MODEL}" in sentence
        assert f"prepare_model {MODEL} --quantization {other}" in sentence
    assert "ZIMAGE_DTYPE=float32 does not go with" in refused(models_dir, dtype="float32")


def test_without_its_package_it_says_so(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.engine.quantization.find_spec", lambda _name: None)
    assert ".venv/bin/pip install torchao" in refused(models_dir)


def test_four_bits_without_cuda_are_refused_before_anything_is_read(tmp_path: Path, hub: Mirror) -> None:
    needs("bitsandbytes")
    sentence = refusal(prepare(hub, tmp_path, MODEL, "--quantization", "4bit", ZIMAGE_DEVICE="cpu"), tmp_path)
    assert sentence.endswith("--quantization 4bit needs a CUDA device, and this is cpu; choose int8 or none.")
    assert not hub.asked


def test_four_bits_prepared_elsewhere_need_cuda(tmp_path: Path) -> None:
    write_record(tmp_path, Record(MODEL, "folder", "1", "", "bfloat16", "", {}, quantization="4bit"))
    source, options = Source(MODEL, tmp_path), EngineOptions(model=MODEL, starter_dir=tmp_path)
    with pytest.raises(EngineError, match="prepared with 4bit weights, which need a CUDA device, and this is cpu"):
        wishes(source, options, "cpu", {"bitsandbytes"})
    assert wishes(source, options, "cuda", {"bitsandbytes"}) == Wishes(dtype="bfloat16", quantization="4bit")


def test_another_transformer_is_packed_like_the_rest(models_dir: Path, published: Path, tmp_path: Path) -> None:
    shards = sorted((published / "transformer").glob("*.safetensors"))
    file = tmp_path / TRANSFORMER
    save_file({name: tensor for shard in shards for name, tensor in load_file(shard).items()}, file)
    engine = opened(MODEL, models_dir, transformer=str(file))
    assert kinds(engine._pipeline.transformer)["layers.0.attention.to_q"] == "Int8Tensor"
    assert (
        draw(engine, ask(width=512, height=512)).tobytes()
        == draw(opened(MODEL, models_dir), ask(width=512, height=512)).tobytes()
    )


def test_loras_go_with_it_and_leave_it_as_it_was(models_dir: Path, random_model: Path, tmp_path: Path) -> None:
    make_lora(random_model, tmp_path / "ink.safetensors")
    engine = opened(MODEL, models_dir, lora_dir=tmp_path)
    request = ask(width=512, height=512)
    bare = draw(engine, request)
    assert largest_difference(draw(engine, replace(request, loras=(LoraWeight("ink", 1.0),))), bare) > 10
    assert draw(engine, request).tobytes() == bare.tobytes()


def test_interrupted_while_packing_it_fetches_nothing_again(hub: Mirror, tmp_path: Path) -> None:
    words = [sys.executable, str(MANAGE), "prepare_model", MODEL, "--quantization", "int8"]
    surroundings = environment(tmp_path, **given(hub, tmp_path))
    with subprocess.Popen(
        words, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any(line.startswith("Packing the weights to int8") for line in process.stdout)
        process.terminate()
        process.communicate(timeout=30)
    assert not place_of(tmp_path).exists()
    before = hub.fetched()
    closing(prepare(hub, tmp_path, MODEL, "--quantization", "int8"))
    assert hub.fetched() == before


def test_too_little_memory_is_said_with_the_way_around(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "free_memory", lambda _device: 1_000)
    with pytest.raises(OutOfMemory, match="let workers pack it with ZIMAGE_QUANTIZATION=int8"):
        write_packed(published, tmp_path / "packed", "bfloat16", "int8", torch.device("cpu"))
    assert not (tmp_path / "packed").exists()
