"""The tokenizer: byte-level, so that it takes every prompt, with merges learnt from captions, for most are short."""

from __future__ import annotations

import json

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import Qwen2Tokenizer

from starter_model.captions import describe
from starter_model.scenes import sample_scene

TOKENS = 1400
_END_OF_TEXT, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_CHAT_TEMPLATE = (
    f"{{% for message in messages %}}{{{{ '{_START}' + message['content'] | lower }}}}{{{{ '{_END}' }}}}{{% endfor %}}"
)
_CAPTIONS = 40_000


def build_tokenizer(seed: int) -> Qwen2Tokenizer:
    """In the class of the real model. The chat template adds two tokens to a prompt."""
    rng = np.random.default_rng((seed, 0))
    trained = Tokenizer(models.BPE())
    # Chinese has no spaces: a merge over several characters would hide the colour in a longer word.
    each_character = pre_tokenizers.Split(Regex(r"\p{Han}"), behavior="isolated")
    trained.pre_tokenizer = pre_tokenizers.Sequence([each_character, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(
        vocab_size=TOKENS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    trained.train_from_iterator((describe(rng, sample_scene(rng)).lower() for _ in range(_CAPTIONS)), trainer)
    model = json.loads(trained.to_str())["model"]
    vocabulary: dict[str, int] = model["vocab"]
    for token in (_END_OF_TEXT, _START, _END):
        vocabulary[token] = len(vocabulary)
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=[tuple(pair) for pair in model["merges"]],
        unk_token=_END_OF_TEXT,
        eos_token=_END,
        pad_token=_END_OF_TEXT,
        additional_special_tokens=[_START, _END],
    )
    tokenizer.chat_template = _CHAT_TEMPLATE
    tokenizer.model_max_length = 131_072
    return tokenizer


def tokenize(tokenizer: Qwen2Tokenizer, captions: list[str]) -> list[list[int]]:
    """Token numbers of each caption, as the pipeline makes them."""
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": caption}], tokenize=False, add_generation_prompt=True
        )
        for caption in captions
    ]
    return list(tokenizer(texts)["input_ids"])


def padded(tokens: list[list[int]], length: int, filling: int) -> tuple[Tensor, Tensor]:
    """Token numbers (n, length) and which of them are real."""
    numbers = torch.full((len(tokens), length), filling)
    known = torch.zeros(len(tokens), length, dtype=torch.bool)
    for row, each in enumerate(tokens):
        numbers[row, : len(each)] = torch.tensor(each)
        known[row, : len(each)] = True
    return numbers, known
