"""The batched forward pass that training uses is the official one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from starter_model.denoiser import denoise
from starter_model.parts import CHANNELS, build_transformer


@pytest.mark.parametrize(("rows", "columns", "length"), [(8, 8, 32), (7, 12, 32), (10, 9, 64)])
def test_it_equals_the_official_pass(rows: int, columns: int, length: int) -> None:
    torch.manual_seed(0)
    transformer = build_transformer().eval()
    nn.init.normal_(transformer.all_final_layer["2-1"].linear.weight, std=0.2)  # zero before training
    width = transformer.config.cap_feat_dim
    latents, time = torch.randn(3, CHANNELS, 2 * rows, 2 * columns), torch.tensor([0.1, 0.5, 0.9])
    lengths = [length, length - 31, length - 12]
    captions = torch.randn(3, length, width)
    known = torch.arange(length) < torch.tensor(lengths)[:, None]

    with torch.no_grad():
        ours = denoise(transformer, latents, time, captions, known)
        pictures = [each.unsqueeze(1) for each in latents]
        said = [caption[:count] for caption, count in zip(captions, lengths, strict=True)]
        official = torch.stack(transformer(pictures, time, said, return_dict=False)[0]).squeeze(2)

    assert official.std() > 0.1
    torch.testing.assert_close(ours, official, atol=1e-5, rtol=1e-4)
