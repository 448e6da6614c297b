"""Sizes are read from the headers of the files, and agree with what is then loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from safetensors.torch import save_file
from transformers import Qwen3Config, Qwen3Model

from generation.engine.card import size_step
from generation.engine.engine import PipelineEngine
from generation.engine.weights import count, measure, read_header

from .test_plan import TURBO


def test_the_headers_count_what_is_loaded(engine: PipelineEngine, starter: Path) -> None:
    size, pipeline = measure(starter), engine._pipeline
    for part, module in (
        (size.transformer, pipeline.transformer),
        (size.text_encoder, pipeline.text_encoder),
        (size.vae, pipeline.vae),
    ):
        assert part.plain + part.linear == sum(parameter.numel() for parameter in module.parameters())
    linear = [module for module in pipeline.transformer.modules() if isinstance(module, torch.nn.Linear)]
    assert size.transformer.linear == sum(layer.weight.numel() for layer in linear)
    block = pipeline.transformer.layers[0]
    assert size.transformer.largest_block == sum(weight.numel() for weight in block.parameters() if weight.ndim == 2)
    assert (size.width, size.token_pixels) == (pipeline.transformer.dim, size_step(pipeline) ** 2)
    assert size.decoder_width == pipeline.vae.config.block_out_channels[1]


def test_the_plan_is_tested_with_the_sizes_of_z_image() -> None:
    """Architectures as published, without contents: 30 blocks of width 3840; Qwen3-4B; the VAE of Flux."""
    with torch.device("meta"):
        transformer = ZImageTransformer2DModel()
        encoder = Qwen3Model(
            Qwen3Config(
                vocab_size=151_936,
                hidden_size=2560,
                intermediate_size=9728,
                num_hidden_layers=36,
                num_attention_heads=32,
                num_key_value_heads=8,
                head_dim=128,
            )
        )
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            latent_channels=16,
            use_quant_conv=False,
            use_post_quant_conv=False,
        )
    for part, module in ((TURBO.transformer, transformer), (TURBO.text_encoder, encoder), (TURBO.vae, vae)):
        counted = count((name, list(weight.shape)) for name, weight in module.state_dict().items())
        assert part.plain + part.linear == pytest.approx(counted.plain + counted.linear, rel=0.005)
        assert part.linear == pytest.approx(counted.linear, rel=0.005, abs=3e6)
        assert part.largest_block == pytest.approx(counted.largest_block, rel=0.02, abs=3e6)


def test_shards_are_counted_together(random_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for part in ("transformer", "text_encoder", "vae", "scheduler"):
        (folder / part).mkdir(parents=True)
        for path in (random_model / part).iterdir():
            (folder / part / path.name).symlink_to(path)
    whole = measure(folder)
    save_file({"layers.9.more.weight": torch.zeros(3, 5)}, folder / "transformer" / "second.safetensors")
    assert measure(folder).transformer.linear == whole.transformer.linear + 15


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, b"\x10" + b"\0" * 7 + b"{'no': json}    "])
def test_what_is_no_safetensors_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.safetensors").write_bytes(content)
    with pytest.raises((ValueError, TypeError)):
        read_header(tmp_path / "file.safetensors")


def test_a_file_that_is_cut_short_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    save_file({"weight": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="not as long as its header says"):
        read_header(path)
