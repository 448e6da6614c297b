"""LoRAs change the picture and leave the model as it was; files that are none cost their own picture only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.engine import lora_files, loras
from generation.engine.engine import PipelineEngine, load
from generation.engine.exceptions import EngineError, LoraUnusable, UnsupportedRequest
from generation.engine.types import DrawRequest, EngineOptions, LoraWeight

from .conftest import ask, draw, draw_all, largest_difference, needs, refusal
from .lora_making import ATTENTION, in_kohyas_names, make_lora
from .test_transformer_files import write_gguf


@pytest.fixture(scope="module")
def folder(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loras")
    make_lora(random_model, folder / "ink.safetensors", trigger="ink wash, mist")
    make_lora(random_model, folder / "styles" / "oil.safetensors", seed=2, rank=8)
    return folder


def opened(model: Path, folder: Path, **options: str) -> PipelineEngine:
    loaded = load(EngineOptions(model=str(model), starter_dir=model, lora_dir=folder, max_batch=4, **options))  # type: ignore[arg-type]
    assert isinstance(loaded, PipelineEngine)
    return loaded


@pytest.fixture(scope="module")
def dressed(random_model: Path, folder: Path) -> PipelineEngine:
    return opened(random_model, folder)


def with_loras(seed: int = 7, **wanted: float) -> DrawRequest:
    """A request for the LoRAs of these names, in which `__` stands for a slash."""
    chosen = tuple(LoraWeight(name.replace("__", "/"), weight) for name, weight in wanted.items())
    return ask(seed=seed, loras=chosen)  # type: ignore[arg-type]


def test_the_card_lists_names_and_trigger_words(dressed: PipelineEngine) -> None:
    assert dressed.card.loras == [
        {"name": "ink", "triggers": ["ink wash", "mist"]},
        {"name": "styles/oil", "triggers": []},
    ]


def test_a_lora_changes_the_picture_and_leaves_the_model_bit_for_bit_as_it_was(dressed: PipelineEngine) -> None:
    bare = draw(dressed, ask())
    ink = draw(dressed, with_loras(ink=1.0))
    assert largest_difference(bare, ink) > 10
    assert draw(dressed, ask()).tobytes() == bare.tobytes()
    both = draw(dressed, with_loras(ink=1.0, styles__oil=0.8))
    assert largest_difference(both, ink) > 10
    assert draw(dressed, with_loras(ink=1.0)).tobytes() == ink.tobytes()
    assert draw(dressed, ask()).tobytes() == bare.tobytes()


def test_the_weight_decides_how_strongly_it_works(dressed: PipelineEngine) -> None:
    bare, full = draw(dressed, ask()), draw(dressed, with_loras(ink=1.0))
    assert largest_difference(draw(dressed, with_loras(ink=0.0)), bare) <= 1
    assert largest_difference(draw(dressed, with_loras(ink=-1.0)), full) > 10
    assert largest_difference(draw(dressed, with_loras(ink=0.01)), bare) < largest_difference(full, bare)


def test_it_equals_the_plain_pipeline(dressed: PipelineEngine, random_model: Path, folder: Path) -> None:
    from diffusers import ZImagePipeline

    plain = ZImagePipeline.from_pretrained(random_model)
    plain.set_progress_bar_config(disable=True)
    plain.load_lora_weights(str(folder), weight_name="ink.safetensors", adapter_name="ink")
    plain.set_adapters(["ink"], [0.7])
    request = with_loras(ink=0.7)
    picture = plain(
        request.prompt,
        height=request.height,
        width=request.width,
        num_inference_steps=request.steps,
        guidance_scale=0.0,
        generator=torch.Generator("cpu").manual_seed(request.seed),
    ).images[0]
    assert largest_difference(draw(dressed, request), picture) <= 1


def test_a_batch_with_loras_equals_its_singles(dressed: PipelineEngine) -> None:
    requests = [with_loras(seed, ink=0.5, styles__oil=0.5) for seed in (1, 2, 3)]
    for picture, request in zip(draw_all(dressed, requests), requests, strict=True):
        assert largest_difference(picture, draw(dressed, request)) <= 1


def test_different_loras_are_not_drawn_together(dressed: PipelineEngine) -> None:
    with pytest.raises(UnsupportedRequest, match="same size, steps, guidance and LoRAs"):
        draw_all(dressed, [with_loras(ink=1.0), with_loras(ink=0.5)])


def test_each_file_is_read_once_and_the_longest_unused_goes(
    dressed: PipelineEngine, random_model: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        make_lora(random_model, tmp_path / f"l{number}.safetensors", seed=number, layers=ATTENTION)
    engine = opened(random_model, tmp_path)
    monkeypatch.setattr(loras, "MOST_LOADED", 2)
    read: list[str] = []
    load_one = engine._loras._load
    monkeypatch.setattr(engine._loras, "_load", lambda name, file: (read.append(name), load_one(name, file))[1])
    bare = draw(engine, ask())
    for name in ("l0", "l1", "l0", "l2", "l0", "l1"):
        draw(engine, with_loras(**{name: 1.0}))
    assert read == ["l0", "l1", "l2", "l1"]
    assert len(engine._pipeline.transformer.peft_config) == 2
    assert draw(engine, ask()).tobytes() == bare.tobytes()


def test_a_file_that_was_replaced_is_read_again(random_model: Path, tmp_path: Path) -> None:
    file = make_lora(random_model, tmp_path / "one.safetensors", seed=1)
    engine = opened(random_model, tmp_path)
    before, was = draw(engine, with_loras(one=1.0)), engine.lora_hashes["one"]
    make_lora(random_model, file, seed=2)
    assert largest_difference(before, draw(engine, with_loras(one=1.0))) > 10
    assert engine.lora_hashes["one"] != was


def truncated(good: Path, target: Path) -> None:
    target.write_bytes(good.read_bytes()[:-100])


def no_safetensors(good: Path, target: Path) -> None:
    target.write_bytes(b"\x89PNG" + bytes(1000))


def empty(good: Path, target: Path) -> None:
    target.touch()


def of_another_model(good: Path, target: Path) -> None:
    save_file({name.replace("layers.", "blocks."): tensor for name, tensor in load_file(good).items()}, target)


def of_another_width(good: Path, target: Path) -> None:
    def wider(name: str, tensor: torch.Tensor) -> torch.Tensor:
        return torch.cat([tensor, tensor], dim=1) if "lora_A" in name else tensor

    save_file({name: wider(name, tensor) for name, tensor in load_file(good).items()}, target)


def for_the_text_encoder_too(good: Path, target: Path) -> None:
    more = {"text_encoder.layers.0.self_attn.q_proj.lora_A.weight": torch.zeros(4, 32)}
    save_file(load_file(good) | more, target)


def half_a_pair(good: Path, target: Path) -> None:
    tensors = load_file(good)
    tensors.pop(next(name for name in tensors if "lora_B" in name))
    save_file(tensors, target)


def a_whole_model(good: Path, target: Path) -> None:
    save_file({"layers.0.attention.to_q.weight": torch.zeros(8, 8)}, target)


def a_dora(good: Path, target: Path) -> None:
    save_file(load_file(good) | {"transformer.layers.0.attention.to_q.dora_scale": torch.ones(8)}, target)


@pytest.mark.parametrize(
    "spoil",
    [
        truncated,
        no_safetensors,
        empty,
        of_another_model,
        of_another_width,
        for_the_text_encoder_too,
        half_a_pair,
        a_whole_model,
        a_dora,
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_the_next_picture_is_drawn(
    dressed: PipelineEngine, folder: Path, spoil: Callable[[Path, Path], None]
) -> None:
    bare, ink = draw(dressed, ask()), draw(dressed, with_loras(ink=1.0))
    bad = folder / "bad.safetensors"
    spoil(folder / "ink.safetensors", bad)
    try:
        for wanted in (with_loras(bad=1.0), with_loras(ink=1.0, bad=1.0)):
            with pytest.raises(LoraUnusable) as caught:
                draw(dressed, wanted)
            sentence = str(caught.value)
            assert "“bad”" in sentence
            assert "\n" not in sentence
            assert draw(dressed, ask()).tobytes() == bare.tobytes()
    finally:
        bad.unlink()
    assert draw(dressed, with_loras(ink=1.0)).tobytes() == ink.tobytes()


def test_the_names_of_other_trainers_are_read(random_model: Path, tmp_path: Path) -> None:
    made = make_lora(random_model, tmp_path / "ours.safetensors", layers=ATTENTION)
    in_kohyas_names(made, tmp_path / "theirs.safetensors")
    engine = opened(random_model, tmp_path)
    ours, theirs = draw(engine, with_loras(ours=1.0)), draw(engine, with_loras(theirs=1.0))
    assert largest_difference(ours, theirs) <= 1
    assert largest_difference(ours, draw(engine, ask())) > 10


@pytest.mark.parametrize("quantization", ["int8", "fp8"])
def test_it_goes_with_packed_weights(random_model: Path, folder: Path, quantization: str) -> None:
    needs("torchao")
    engine = opened(random_model, folder, quantization=quantization)
    bare = draw(engine, ask())
    assert largest_difference(draw(engine, with_loras(ink=1.0)), bare) > 10
    assert draw(engine, ask()).tobytes() == bare.tobytes()


def test_it_goes_with_the_packed_weights_of_a_gguf_file(random_model: Path, folder: Path, tmp_path: Path) -> None:
    needs("gguf")
    weights = load_file(random_model / "transformer" / "diffusion_pytorch_model.safetensors")
    engine = opened(random_model, folder, transformer=str(write_gguf(tmp_path / "model.gguf", weights, "Q8_0")))
    bare = draw(engine, ask())
    assert largest_difference(draw(engine, with_loras(ink=1.0)), bare) > 10
    assert draw(engine, ask()).tobytes() == bare.tobytes()


@pytest.mark.parametrize(
    "name", ["../ink", "styles/../ink", "/etc/passwd", "", ".", "styles", "ink.safetensors", "a\x00b", "styles\\oil"]
)
def test_a_name_never_leads_out_of_the_folder(folder: Path, tmp_path: Path, name: str) -> None:
    below = tmp_path / "below"
    shutil.copytree(folder, below)
    shutil.copy(folder / "ink.safetensors", tmp_path / "ink.safetensors")
    with pytest.raises(LoraUnusable):
        lora_files.find(below, name)


def test_hidden_damaged_and_other_files_in_the_folder(folder: Path, tmp_path: Path) -> None:
    for name in (".hidden.safetensors", ".trash/a.safetensors", "readme.txt", "damaged.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"nothing")
    assert lora_files.listed(tmp_path) == [{"name": "damaged", "triggers": []}]


def test_compiled_blocks_take_no_loras(random_model: Path, folder: Path) -> None:
    options = {"lora_dir": folder, "compile": True}
    sentence = refusal(EngineError, random_model, random_model, **options)  # type: ignore[arg-type]
    assert "ZIMAGE_LORA_DIR" in sentence
    assert "ZIMAGE_COMPILE" in sentence


def test_a_folder_that_is_none_is_told_at_the_start(random_model: Path, tmp_path: Path) -> None:
    sentence = refusal(EngineError, random_model, random_model, lora_dir=tmp_path / "nowhere")  # type: ignore[arg-type]
    assert "ZIMAGE_LORA_DIR" in sentence
