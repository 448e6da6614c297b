"""The model of full size that benchmarks draw with on a GPU: as large as the real one, and it draws."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import full_size

from .conftest import ask, draw


def test_it_is_as_large_as_the_real_one() -> None:
    """Counted without memory. The published files hold 6.16 and 4.02 billion weights, and 84 million."""
    parts = full_size.build_parts(torch.device("meta"))
    sizes = {name: sum(weight.numel() for weight in part.parameters()) / 1e9 for name, part in parts.items()}
    assert sizes == pytest.approx({"transformer": 6.155, "text_encoder": 4.022, "vae": 0.0838}, rel=2e-3)
    assert {weight.dtype for part in parts.values() for weight in part.parameters()} == {torch.bfloat16}
    assert torch.get_default_dtype() == torch.float32


def test_an_engine_on_it_draws(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made small, as nothing here could hold it."""
    small = {"dim": 96, "n_layers": 2, "n_refiner_layers": 1, "n_heads": 4, "n_kv_heads": 4, "axes_dims": [8, 8, 8]}
    for name, value in (small | {"cap_feat_dim": 64}).items():
        monkeypatch.setitem(full_size.TRANSFORMER, name, value)
    words = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    for name, value in (words | {"num_key_value_heads": 2, "head_dim": 16}).items():
        monkeypatch.setitem(full_size.TEXT_ENCODER, name, value)
    monkeypatch.setitem(full_size.VAE, "block_out_channels", (32, 32, 32, 32))
    engine = full_size.build_engine(starter, torch.device("cpu"), compiled=False, packed="none", max_batch=4)
    assert draw(engine, ask(width=256, height=256, steps=2)).size == (256, 256)
