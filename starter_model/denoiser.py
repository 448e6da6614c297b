"""The transformer's forward pass for batches of one shape: the official one loops over pictures in Python.

`tests/starter_model/test_denoiser.py` holds it to the official pass. Only training uses it; drawing runs the official.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from diffusers import ZImageTransformer2DModel
from diffusers.models.transformers.transformer_z_image import SEQ_MULTI_OF
from torch import Tensor
from torch.nn import functional

PATCH = "2-1"
"""How diffusers names the embedder and final layer of patches of 2 x 2 latents in one frame."""


class Rotation(NamedTuple):
    """Cosines and sines, (places, numbers of a head), each of them twice in a row."""

    cosine: Tensor
    sine: Tensor


Block: TypeAlias = Callable[[Any, Tensor, Rotation, Tensor | None], Tensor]


def denoise(
    transformer: ZImageTransformer2DModel,
    latents: Tensor,
    time: Tensor,
    captions: Tensor,
    known: Tensor,
    block: Block | None = None,
) -> Tensor:
    """What `transformer` makes of latents (n, channels, rows, columns) at `time` (n; 0 is noise, 1 is the picture).

    captions: (n, tokens, width of the text encoder), tokens a multiple of 32. known: (n, tokens), False where a caption
    is filled up; each caption must be of the same multiple of 32. block: `apply_block`, perhaps compiled. Returns data
    minus noise, in the shape of latents.
    """
    block = block or apply_block
    count, _, rows, columns = latents.shape
    rows, columns, length = rows // 2, columns // 2, captions.shape[1]
    caption_turn, picture_turn = _rotations(transformer, rows, columns, length, latents.device)
    when = transformer.t_embedder(time * transformer.t_scale)

    picture = transformer.all_x_embedder[PATCH](_patches(latents))
    filling = -picture.shape[1] % SEQ_MULTI_OF
    if filling:
        pads = transformer.x_pad_token.to(picture.dtype).expand(count, filling, -1)
        picture = torch.cat([picture, pads], dim=1)
    for layer in transformer.noise_refiner:
        picture = block(layer, picture, picture_turn, when)

    caption = transformer.cap_embedder(captions)
    caption = torch.where(known[..., None], caption, transformer.cap_pad_token.to(caption.dtype))
    for layer in transformer.context_refiner:
        caption = block(layer, caption, caption_turn, None)

    both = torch.cat([picture, caption], dim=1)
    turn = Rotation(*(torch.cat(pair) for pair in zip(picture_turn, caption_turn, strict=True)))
    for layer in transformer.layers:
        both = block(layer, both, turn, when)
    final = transformer.all_final_layer[PATCH](both[:, : rows * columns], c=when)
    return _pictures(final, rows, columns)


def _patches(latents: Tensor) -> Tensor:
    """(n, c, 2 rows, 2 columns) to (n, rows * columns, 4 c), the channels of a latent side by side."""
    return functional.pixel_unshuffle(latents, 2).unflatten(1, (-1, 4)).permute(0, 3, 4, 2, 1).flatten(3).flatten(1, 2)


def _pictures(tokens: Tensor, rows: int, columns: int) -> Tensor:
    """Undoes `_patches`."""
    cells = tokens.unflatten(1, (rows, columns)).unflatten(3, (4, -1))
    return functional.pixel_shuffle(cells.permute(0, 4, 3, 1, 2).flatten(1, 2), 2)


def apply_block(layer: Any, x: Tensor, turn: Rotation, when: Tensor | None) -> Tensor:
    """One transformer block on (n, places, width); `when` is None for captions, which know no noise level."""
    if when is None:
        x = x + layer.attention_norm2(_attend(layer.attention, layer.attention_norm1(x), turn))
        return x + layer.ffn_norm2(layer.feed_forward(layer.ffn_norm1(x)))
    scales = layer.adaLN_modulation(when).unsqueeze(1).chunk(4, dim=2)
    attention_scale, attention_gate, feed_scale, feed_gate = scales
    attended = _attend(layer.attention, layer.attention_norm1(x) * (1 + attention_scale), turn)
    x = x + attention_gate.tanh() * layer.attention_norm2(attended)
    return x + feed_gate.tanh() * layer.ffn_norm2(layer.feed_forward(layer.ffn_norm1(x) * (1 + feed_scale)))


def _attend(attention: Any, x: Tensor, turn: Rotation) -> Tensor:
    heads = (-1, attention.heads, x.shape[-1] // attention.heads)
    query = _turn(attention.norm_q(attention.to_q(x).unflatten(-1, heads[1:])), turn).transpose(1, 2)
    key = _turn(attention.norm_k(attention.to_k(x).unflatten(-1, heads[1:])), turn).transpose(1, 2)
    value = attention.to_v(x).unflatten(-1, heads[1:]).transpose(1, 2)
    scores = query @ key.transpose(-1, -2) * heads[2] ** -0.5
    attended = scores.softmax(-1).to(value.dtype) @ value
    return attention.to_out[0](attended.transpose(1, 2).flatten(2))


def _turn(x: Tensor, turn: Rotation) -> Tensor:
    """Rotary embedding of (n, places, heads, numbers), two neighbouring numbers as one complex one."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    across = torch.stack([-odd, even], dim=-1).flatten(-2)
    return x * turn.cosine[:, None].to(x.dtype) + across * turn.sine[:, None].to(x.dtype)


def _rotations(
    transformer: ZImageTransformer2DModel, rows: int, columns: int, length: int, device: torch.device
) -> tuple[Rotation, Rotation]:
    """Of the caption, set from 1 on along the first axis, and of the picture after it; fillings stand at 0."""
    caption = torch.zeros(length, 3, dtype=torch.int64, device=device)
    caption[:, 0] = torch.arange(1, length + 1)
    picture = torch.zeros(rows * columns + -(rows * columns) % SEQ_MULTI_OF, 3, dtype=torch.int64, device=device)
    cells = picture[: rows * columns]
    cells[:, 0] = length + 1
    cells[:, 1] = torch.arange(rows).repeat_interleave(columns)
    cells[:, 2] = torch.arange(columns).repeat(rows)
    return _rotation(transformer, caption), _rotation(transformer, picture)


def _rotation(transformer: ZImageTransformer2DModel, places: Tensor) -> Rotation:
    turns = transformer.rope_embedder(places)
    return Rotation(*(part.repeat_interleave(2, dim=-1) for part in (turns.real, turns.imag)))
