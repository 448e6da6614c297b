"""Weights in eight bits, through the real libraries: the picture stays, and the weights are packed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.engine.exceptions import EngineError
from generation.engine.quantization import for_pipeline

from .conftest import ask, draw, likeness, load_engine, needs, refusal

TRANSFORMER = "diffusion_pytorch_model.safetensors"


def kinds(module: torch.nn.Module) -> dict[str, str]:
    """The class of each linear layer's weight."""
    return {
        name: type(layer.weight).__name__
        for name, layer in module.named_modules()
        if isinstance(layer, torch.nn.Linear)
    }


def test_the_starter_in_eight_bits(starter: Path) -> None:
    needs("torchao")
    packed = load_engine(starter, quantization="int8")
    assert likeness(draw(packed, ask(steps=8)), draw(load_engine(starter), ask(steps=8))) > 0.99
    assert packed.card.quantization == "int8"


@pytest.mark.parametrize(
    ("quantization", "kind", "least"), [("int8", "Int8Tensor", 0.999), ("fp8", "Float8Tensor", 0.99)]
)
@pytest.mark.parametrize("from_file", [False, True], ids=["folder", "file"])
def test_eight_bits(
    random_model: Path, tmp_path: Path, quantization: str, kind: str, least: float, from_file: bool
) -> None:
    needs("torchao")
    file = tmp_path / "model.safetensors"
    save_file(load_file(random_model / "transformer" / TRANSFORMER), file)
    engine = load_engine(random_model, quantization=quantization, transformer=str(file) if from_file else "")
    assert likeness(draw(engine, ask()), draw(load_engine(random_model), ask())) > least

    transformer = kinds(engine._pipeline.transformer)
    assert transformer["layers.0.attention.to_q"] == kind
    assert transformer["noise_refiner.0.adaLN_modulation.0"] == kind
    assert {transformer[name] for name in ("t_embedder.mlp.0", "cap_embedder.1", "all_x_embedder.2-1")} == {"Parameter"}
    assert kinds(engine._pipeline.text_encoder)["layers.0.mlp.gate_proj"] == kind


def test_a_batch_in_eight_bits_equals_its_singles(random_model: Path) -> None:
    needs("torchao")
    engine = load_engine(random_model, quantization="int8")
    requests = [ask("fog", seed=1), ask("waves breaking on the rocks below a lighthouse", seed=2)]
    for picture, request in zip(engine.draw(requests, lambda _report: ()), requests, strict=True):
        assert picture is not None
        assert likeness(picture, draw(engine, request)) > 0.9999


def test_without_its_package_it_is_one_sentence(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.engine.quantization.find_spec", lambda _name: None)
    assert ".venv/bin/pip install torchao" in refusal(EngineError, starter, starter, quantization="int8")


def test_four_bits_are_refused_without_cuda(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.engine.quantization.find_spec", lambda name: name)
    assert "CUDA" in refusal(EngineError, starter, starter, device="cpu", quantization="4bit")


def test_four_bits_are_configured_for_both_parts() -> None:
    """What can be seen of it without CUDA: that both libraries take what they are given."""
    needs("bitsandbytes")
    parts = for_pipeline("4bit", torch.bfloat16, with_transformer=True).quant_mapping
    assert set(parts) == {"transformer", "text_encoder"}
    assert all(config.bnb_4bit_compute_dtype == torch.bfloat16 for config in parts.values())
    assert "t_embedder" in parts["transformer"].llm_int8_skip_modules
