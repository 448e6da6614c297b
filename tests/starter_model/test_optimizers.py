"""Every weight is trained, wherever its numbers lie in memory."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from starter_model.optimizers import Optimizers


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_step_changes_all_weights_and_lessens_the_loss(memory_format: torch.memory_format) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 3, 1)).to(memory_format=memory_format)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    inside = [weight for weight in model.parameters() if weight.ndim == 4]
    optimizers = Optimizers(inside, [weight for weight in model.parameters() if weight.ndim != 4], 1e-2)
    picture = torch.rand(2, 3, 16, 16).to(memory_format=memory_format)
    losses = []
    for _ in range(20):
        loss = (model(picture) - picture).square().mean()
        losses.append(loss.item())
        optimizers.step(loss, 1.0)
    assert all(not torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    assert losses[-1] < 0.8 * losses[0]


def test_where_numbers_lie_in_memory_makes_no_difference() -> None:
    trained = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(1)
        model = nn.Conv2d(3, 8, 3).to(memory_format=memory_format)
        optimizers = Optimizers([model.weight], [model.bias], 1e-2)
        picture = torch.rand(2, 3, 16, 16)
        for _ in range(5):
            optimizers.step(model(picture).square().mean(), 1.0)
        trained.append(model.weight.detach().clone())
    assert torch.allclose(*trained, atol=1e-5)
