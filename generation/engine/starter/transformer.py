"""The starter model's denoiser: a `ZImageTransformer2DModel` with weights set by hand.

Owns how noise and words become a picture. One block smooths the noise into a few slow fields (each image token looks
at its neighbours); one reads how high in the picture a token lies; one lets every token choose words by its height
and fields and take over their colour; one interpolates between tokens. The last layer turns that picture, `x0`, into
the velocity `(x0 - x) / sigma` that the sampler wants. Knows the text embedding and the meaning of the latent
channels, and nothing of pixels.

Every token carries two large constants of opposite sign, so that all the norms on the way divide by nearly the
same number for every token and the blocks are linear where they should be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from diffusers import ZImageTransformer2DModel
from torch import nn

from generation.engine.starter.clock import follow_time, set_clock
from generation.engine.starter.text import HIDDEN, STEADY, TASTES, TextLayout
from generation.engine.starter.vae import COLOUR, LATENT_CHANNELS, RELIEF, SHOWN

_HEADS, _AXES, _THETA = 4, [4, 16, 16], 10_000.0
_HEAD = sum(_AXES)
_WIDTH = _HEADS * _HEAD
_CORNERS = 4
"""A token covers 2 x 2 latents, its corners: upper left, upper right, lower left, lower right."""


class Layout:
    """Where a token of the denoiser (144 numbers) keeps what."""

    high, low = 0, 1
    raw = slice(2, 2 + _CORNERS * LATENT_CHANNELS)  # the noisy latents, corner by corner
    fields = slice(66, 70)  # smoothed noise: two wide ones, one narrow, one for the relief
    height = 70  # about -1 at the top of a picture to 1 further down
    shown = slice(71, 71 + _CORNERS * SHOWN)  # the picture, corner by corner
    colour = slice(87, 90)  # from here on: what a token took from words, or is itself if it is a word
    word, plain, above, below = 90, 91, 92, 93
    taste = slice(94, 94 + TASTES)
    text = 94 + TASTES  # 1 for every token that is no image, padding too


_BIG = 60.0
_SPREAD = _BIG * math.sqrt(2 / _WIDTH)
_FIELD_GAIN = (16.0, 16.0, 8.5, 14.0)
"""Brings each field to a spread of about one. It is smoothed out of the latent channel after the shown ones."""
_KEEP = 1.1
"""Smoothing a field again at every step shrinks it; this makes good for it."""
_SETTLING = 0.4
"""The share of their velocity that the fields' channels get: at 1 the picture changes its mind on the way, at 0 it is
settled from the first step and only comes up out of the pale."""

_SHARPNESS = 6.0
_LENGTH = _SHARPNESS * math.sqrt(6.0)
"""With queries and keys of this length, norms with weights of `_SHARPNESS` leave their product alone."""
_OPEN = 10.0
"""A gate is the tanh of this."""
_TASTE = 2.0
_WORD_LEAD = 4.0
"""How far a known word is ahead of a byte when an image token chooses."""

# Numbers in a head that turn slowly with the position (RoPE) compare contents, those that turn faster compare places.
_DOWN, _ACROSS = _AXES[0], _AXES[0] + _AXES[1]
_STILL = [axis + 2 * pair + part for axis in (_DOWN, _ACROSS) for pair in (5, 6, 7) for part in (0, 1)]


def build_transformer(generator: torch.Generator) -> ZImageTransformer2DModel:
    """Three main blocks and one refiner each for image and text, 1.6 M parameters, most of them zero."""
    transformer = ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=LATENT_CHANNELS,
        dim=_WIDTH,
        n_layers=3,
        n_refiner_layers=1,
        n_heads=_HEADS,
        n_kv_heads=_HEADS,
        norm_eps=1e-5,
        qk_norm=True,
        cap_feat_dim=HIDDEN,
        rope_theta=_THETA,
        t_scale=1000.0,
        axes_dims=_AXES,
        axes_lens=[1536, 512, 512],
    )
    with torch.no_grad():
        for module in transformer.modules():
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        set_clock(transformer.t_embedder, generator)
        _set_embedders(transformer)
        for block in (*transformer.noise_refiner, *transformer.context_refiner, *transformer.layers):
            _set_norms(block)
        _smooth_noise(transformer.noise_refiner[0])
        _measure_height(transformer.layers[0])
        _choose_words(transformer.layers[1])
        _interpolate(transformer.layers[2])
        _set_velocity(transformer)
        _fade_in(transformer)
    return transformer.eval()


def _set_embedders(transformer: Any) -> None:
    image = transformer.all_x_embedder["2-1"]
    image.weight[Layout.raw] = torch.eye(_CORNERS * LATENT_CHANNELS)
    image.bias[Layout.high], image.bias[Layout.low] = _BIG, -_BIG

    text = transformer.cap_embedder[1]
    back = STEADY / math.sqrt(HIDDEN)  # what the RMS norm before it divides by
    text.bias[Layout.high], text.bias[Layout.low], text.bias[Layout.text] = _BIG, -_BIG, 1.0
    for target, source in (
        (Layout.word, TextLayout.word),
        (Layout.plain, TextLayout.plain),
        (Layout.above, TextLayout.above),
        (Layout.below, TextLayout.below),
    ):
        text.weight[target, source] = back
    text.weight[Layout.colour, TextLayout.colour] = back * torch.eye(3)
    text.weight[Layout.taste, TextLayout.taste] = back * torch.eye(TASTES)

    # What fills up the image to a multiple of 32 tokens is one more word that has nothing to say.
    transformer.cap_pad_token[0] = transformer.x_pad_token[0] = text.bias


def _set_norms(block: Any) -> None:
    nn.init.constant_(block.attention_norm1.weight, _SPREAD)
    nn.init.constant_(block.attention_norm2.weight, _BIG / math.sqrt(_WIDTH))
    block.attention_norm2.weight[Layout.high] = 0.0
    nn.init.constant_(block.attention.norm_q.weight, _SHARPNESS)
    nn.init.constant_(block.attention.norm_k.weight, _SHARPNESS)
    if block.modulation:
        block.adaLN_modulation[0].bias[_WIDTH : 2 * _WIDTH] = _OPEN


class _Head:
    """One attention head whose weights are written entry by entry.

    A query times a key enters the softmax as it is written: `settle` fills both up to the same length with numbers
    that meet zeros on the other side, so that the norms over queries and keys change next to nothing.
    """

    def __init__(self, block: Any, index: int) -> None:
        rows = slice(index * _HEAD, (index + 1) * _HEAD)
        self.query = block.attention.to_q.weight[rows]
        self.key = block.attention.to_k.weight[rows]
        self.value = block.attention.to_v.weight[rows]
        self.out = block.attention.to_out[0].weight[:, rows]
        if index == 0:  # what the norm after the attention divides by
            self.value[_HEAD - 1, Layout.high] = self.out[Layout.high, _HEAD - 1] = 1.0

    def near(self, down: Sequence[float], across: Sequence[float], ahead: tuple[float, float] = (0.0, 0.0)) -> None:
        """Look at tokens around the point `ahead` (rows, columns) of one's own, with these weights per frequency."""
        for start, weights, shift in ((_DOWN, down, ahead[0]), (_ACROSS, across, ahead[1])):
            for pair, weight in enumerate(weights):
                turn = _frequency(pair) * shift
                first = start + 2 * pair
                self.query[first, Layout.high] = math.sqrt(weight) * math.cos(turn) / _BIG
                self.query[first + 1, Layout.high] = math.sqrt(weight) * math.sin(turn) / _BIG
                self.key[first, Layout.high] = math.sqrt(weight) / _BIG

    def overlook_text(self) -> float:
        """Not to see words and padding, which all stand at (0, 0) too. Returns what it adds to the query's `settle`."""
        self.query[_STILL[0], Layout.high], self.key[_STILL[0], Layout.text] = 4 / _BIG, -5.0
        return 16.0

    def carry(self, number: int, sources: dict[int, float], target: int) -> None:
        """Bring back the average of a weighted sum of the seen tokens' numbers."""
        for source, weight in sources.items():
            self.value[number, source] = weight
        self.out[target, number] = 1.0

    def settle(self, query: float, key: float) -> None:
        """Fill up queries and keys whose squared lengths are about `query` and `key` as they stand."""
        self.query[0, Layout.high] = math.sqrt(_LENGTH**2 - query) / _BIG
        self.key[2, Layout.high] = math.sqrt(_LENGTH**2 - key) / _BIG


def _frequency(pair: int) -> float:
    """Radians per token: 1, 0.32, 0.1, 0.03 … (`RopeEmbedder.precompute_freqs_cis`)."""
    return float(_THETA ** (-2 * pair / _AXES[1]))


def _smooth_noise(block: Any) -> None:
    """Averages of the hidden channels over a few tokens, brought to a spread of about one."""
    wide, narrow, ridge = (0.0, 1.6, 4.0, 4.0), (0.0, 6.0, 4.0, 4.0), (0.0, 0.8, 3.0, 4.0)
    kernels = ((wide, wide), (wide, wide), (narrow, narrow), (narrow, ridge))
    for index, (down, across) in enumerate(kernels):
        head = _Head(block, index)
        head.near(down, across)
        corners = [Layout.raw.start + corner * LATENT_CHANNELS + SHOWN + index for corner in range(_CORNERS)]
        head.carry(0, dict.fromkeys(corners, _FIELD_GAIN[index] / _CORNERS), Layout.fields.start + index)
        load = sum(down) + sum(across)
        head.settle(load + head.overlook_text(), load)


def _measure_height(block: Any) -> None:
    """Weigh the two tokens that open every prompt by the row: RoPE turns the query as it goes down the picture."""
    head = _Head(block, 0)
    pair, level, steepness = _DOWN + 2 * 3, 0.3, 1.5
    head.query[pair, Layout.high] = 1 / _BIG
    for opening, sign in ((Layout.above, -1.0), (Layout.below, 1.0)):
        head.key[pair, opening] = -sign * steepness * math.sin(level)
        head.key[pair + 1, opening] = sign * steepness * math.cos(level)
        head.key[_STILL[0], opening] = 6.0
    head.query[_STILL[0], Layout.high], head.key[_STILL[0], Layout.high] = 4 / _BIG, -6 / _BIG
    head.carry(0, {Layout.above: -2.5, Layout.below: 2.5}, Layout.height)
    head.settle(17.0, 36.0)


def _choose_words(block: Any) -> None:
    """Each image token asks for words whose tastes suit its height and fields, and takes over their colours."""
    head = _Head(block, 0)
    place = _STILL[0]
    head.query[place, Layout.high] = 3 / _BIG
    head.key[place, Layout.high] = -7 / _BIG
    head.key[place, Layout.plain] = 7.0
    head.key[place, Layout.word] = _WORD_LEAD / 3
    wishes = {Layout.height: 2.5 * _TASTE, **dict.fromkeys(range(Layout.fields.start, Layout.fields.stop), _TASTE)}
    for offset, (source, weight) in enumerate(wishes.items()):
        head.query[_STILL[1 + offset], source] = weight
        head.key[_STILL[1 + offset], Layout.taste.start + offset] = 1.0
    head.query[_STILL[6], Layout.high] = _TASTE / _BIG
    head.key[_STILL[6], Layout.taste.start + 5] = 1.0
    for channel in range(Layout.colour.start, Layout.colour.stop):
        head.carry(channel - Layout.colour.start, {channel: 1.0}, channel)
    head.settle(9.0 + 6 * _TASTE**2, 20.0)


def _interpolate(block: Any) -> None:
    """One head per corner looks a quarter token its way: linear interpolation, and right at the border too."""
    for corner in range(_CORNERS):
        head = _Head(block, corner)
        weights = (3.3, 8.0, 8.0, 6.0)
        head.near(weights, weights, ahead=(-0.25 + 0.5 * (corner // 2), -0.25 + 0.5 * (corner % 2)))
        start = Layout.shown.start + corner * SHOWN
        for channel in range(COLOUR.start, COLOUR.stop):
            head.carry(channel, {Layout.colour.start + channel: 1.0}, start + channel)
        head.carry(RELIEF, {Layout.height: 1.6, Layout.fields.start + 3: 0.6}, start + RELIEF)
        load = 2 * sum(weights)
        head.settle(load + head.overlook_text(), load)


def _set_velocity(transformer: Any) -> None:
    """The last layer: `(x0 - x) / sigma` for the picture, a share of it for the fields; the rest goes to zero."""
    final = transformer.all_final_layer["2-1"]
    for corner in range(_CORNERS):
        for channel in range(LATENT_CHANNELS):
            row = final.linear.weight[corner * LATENT_CHANNELS + channel]
            noisy = Layout.raw.start + corner * LATENT_CHANNELS + channel
            row[noisy] = -_SPREAD
            if channel < SHOWN:
                row[Layout.shown.start + corner * SHOWN + channel] = _SPREAD
            elif channel < 2 * SHOWN:
                field = channel - SHOWN
                row[noisy] = -_SPREAD * _SETTLING
                row[Layout.fields.start + field] = _SPREAD * _SETTLING * _KEEP / _FIELD_GAIN[field]
    follow_time(
        transformer.t_embedder, final.adaLN_modulation[1], slice(None), lambda sigma: 1 / sigma - 1, active=True
    )


def _fade_in(transformer: Any) -> None:
    """The picture comes up from a pale wash: the last block's gate opens as the noise goes."""
    gate = transformer.layers[2].adaLN_modulation[0]
    rows = slice(_WIDTH + Layout.shown.start, _WIDTH + Layout.shown.stop)
    follow_time(transformer.t_embedder, gate, rows, lambda sigma: torch.atanh(0.98 - 0.55 * sigma**2), active=False)
