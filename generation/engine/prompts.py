"""Prompts to embeddings, each text encoded once.

Encoding is a share of a short drawing, and with offloading moves gigabytes; teams try one prompt with many seeds. Each
text is encoded by itself, so that its embedding depends on nothing but the text: a hit gives the very numbers a miss
would. Kept in main memory, the longest unused goes first. Knows nothing of pictures.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch

CACHED_BYTES = 64 << 20
"""About 250 prompts of 50 tokens for Z-Image's text encoder (5 KB a token)."""

_CUT_REMEMBERED = 1_000
"""Prompts; more than the cache holds of such long ones."""

_PADDED_TO = 64
"""Tokens: few different lengths for kernels and compilers, and no work on a padding of hundreds."""


class PromptEncoder:
    """The text side of a pipeline. Not thread-safe: one thread draws."""

    def __init__(self, pipeline: Any, *, max_tokens: int, cached_bytes: int = CACHED_BYTES) -> None:
        self._pipeline, self._max_tokens, self._cached_bytes = pipeline, max_tokens, cached_bytes
        self._cache: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._bytes = 0
        self._cut: dict[str, int] = {}

    @property
    def cut(self) -> Mapping[str, int]:
        """How many tokens those prompts have that were cut off, of the latest. Any thread may look here."""
        return self._cut

    def encode(self, prompts: Sequence[str]) -> list[torch.Tensor]:
        """One embedding (tokens, features) for each prompt, on the device that draws.

        What is longer than `max_tokens` is cut off at its end, as the pipeline itself does.
        """
        device = self._pipeline._execution_device
        return [self._find(prompt).to(device) for prompt in prompts]

    def clear(self) -> None:
        """Forget all: to be called when the text encoder has changed, as a LoRA may change it."""
        self._cache.clear()
        self._bytes = 0

    def _find(self, prompt: str) -> torch.Tensor:
        if (known := self._cache.get(prompt)) is not None:
            self._cache.move_to_end(prompt)
            return known
        embedding = self._encode(prompt)
        self._keep(prompt, embedding)
        return embedding

    @torch.no_grad()
    def _encode(self, prompt: str) -> torch.Tensor:
        tokenizer = self._pipeline.tokenizer
        # The template and its options are those of `ZImagePipeline._encode_prompt`, which does this again.
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, enable_thinking=True
        )
        tokens = len(tokenizer(text).input_ids)
        if tokens > self._max_tokens:
            if len(self._cut) >= _CUT_REMEMBERED:
                del self._cut[next(iter(self._cut))]
            self._cut[prompt] = tokens
        padded = min(-(-tokens // _PADDED_TO) * _PADDED_TO, self._max_tokens)
        [embedding], _ = self._pipeline.encode_prompt(
            [prompt],  # a list of its own: the call overwrites it
            device=self._pipeline._execution_device,
            do_classifier_free_guidance=False,
            max_sequence_length=padded,
        )
        return embedding.cpu()  # type: ignore[no-any-return]

    def _keep(self, prompt: str, embedding: torch.Tensor) -> None:
        if embedding.nbytes > self._cached_bytes:
            return
        self._cache[prompt] = embedding
        self._bytes += embedding.nbytes
        while self._bytes > self._cached_bytes:
            _, oldest = self._cache.popitem(last=False)
            self._bytes -= oldest.nbytes
