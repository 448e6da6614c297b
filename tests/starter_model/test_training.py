"""Training is decided by its seed, also when it is stopped. Without the compiler, which only makes it fast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import Qwen2Tokenizer

from starter_model import decoder, progress
from starter_model.dataset import Batch, Dataset, load_dataset
from starter_model.evaluate import WEIGHTS
from starter_model.transformer import Model, Plan, train_transformer

PLAN = Plan(steps=4, batch=4)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tokenizer() -> Qwen2Tokenizer:
    return Qwen2Tokenizer.from_pretrained(WEIGHTS / "tokenizer")


@pytest.fixture(scope="module")
def dataset(tokenizer: Qwen2Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    vae = AutoencoderKL.from_pretrained(WEIGHTS / "vae", torch_dtype=torch.float32)
    return load_dataset(tmp_path_factory.mktemp("latents") / "latents.pt", vae, tokenizer, 1, CPU, seed=1)


@pytest.fixture(autouse=True)
def _eager() -> Iterator[None]:
    before, torch._dynamo.config.disable = torch._dynamo.config.disable, True
    yield
    torch._dynamo.config.disable = before


def train(folder: Path, dataset: Dataset, tokenizer: Qwen2Tokenizer, seed: int = 1) -> dict[str, Tensor]:
    folder.mkdir(exist_ok=True)
    return train_transformer(folder, dataset, tokenizer, PLAN, CPU, seed).state_dict()


def are_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_seed_gives_the_same_weights_to_the_bit(
    dataset: Dataset, tokenizer: Qwen2Tokenizer, tmp_path: Path
) -> None:
    first = train(tmp_path / "one", dataset, tokenizer)
    assert are_equal(first, train(tmp_path / "other", dataset, tokenizer))
    assert not are_equal(first, train(tmp_path / "of another seed", dataset, tokenizer, seed=2))


def test_stopped_in_the_middle_it_ends_the_same(
    dataset: Dataset, tokenizer: Qwen2Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = train(tmp_path / "straight", dataset, tokenizer)
    monkeypatch.setattr(progress, "_SAVE_SECONDS", -1)
    batch, drawn = Dataset.batch, 0

    def stop_at_the_third(self: Dataset, rng: np.random.Generator, count: int) -> Batch:
        nonlocal drawn
        drawn += 1
        if drawn == 3:
            raise KeyboardInterrupt
        return batch(self, rng, count)

    monkeypatch.setattr(Dataset, "batch", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", dataset, tokenizer)
    torch.manual_seed(99)  # whatever happens in between
    assert are_equal(straight, train(tmp_path / "stopped", dataset, tokenizer))
    assert drawn == 5, "the first two steps are not repeated"


def refine(folder: Path, tokenizer: Qwen2Tokenizer, seed: int = 1) -> AutoencoderKL:
    folder.mkdir(exist_ok=True)
    vae = AutoencoderKL.from_pretrained(WEIGHTS / "vae", torch_dtype=torch.float32)
    torch.manual_seed(3)
    decoder.refine_decoder(folder, vae, Model(tokenizer), tokenizer, CPU, seed)
    return vae


def test_the_decoder_is_trained_once_more_and_the_encoder_stays(
    tokenizer: Qwen2Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_STEPS", 2)
    before = AutoencoderKL.from_pretrained(WEIGHTS / "vae", torch_dtype=torch.float32)
    one, again = (refine(tmp_path / name, tokenizer) for name in ("one", "again"))
    other = refine(tmp_path / "other", tokenizer, seed=2)
    assert are_equal(one.encoder.state_dict(), before.encoder.state_dict())
    assert not are_equal(one.decoder.state_dict(), before.decoder.state_dict())
    assert are_equal(one.decoder.state_dict(), again.decoder.state_dict())
    assert not are_equal(one.decoder.state_dict(), other.decoder.state_dict())


def test_the_decoders_training_is_taken_up_in_the_middle(
    tokenizer: Qwen2Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_STEPS", 2)
    straight = refine(tmp_path / "straight", tokenizer)
    monkeypatch.setattr(progress, "_SAVE_SECONDS", -1)
    with monkeypatch.context() as patch:
        patch.setattr(decoder, "_loss", mock.Mock(wraps=decoder._loss, side_effect=[mock.DEFAULT, KeyboardInterrupt]))
        with pytest.raises(KeyboardInterrupt):
            refine(tmp_path / "stopped", tokenizer)
    assert are_equal(straight.decoder.state_dict(), refine(tmp_path / "stopped", tokenizer).decoder.state_dict())
