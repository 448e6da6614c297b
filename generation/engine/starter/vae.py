"""The starter model's image decoder: an `AutoencoderKL` with weights set by hand.

Owns how sixteen latent channels become pixels: three are colour, one is relief, the rest are the denoiser's own and
stay invisible. Colour and relief are enlarged smoothly; then the relief is shaded like sheets of cut paper, each darker
than the one above. Knows nothing of text or of the denoiser.

Two tricks carry all of it. Group norms divide by the spread of a picture and take off its mean: every feature map
holds two huge constants of opposite sign that fix the spread, and one channel of zeros against which the others are
read. SiLU bends, so where a straight line is wanted it works far up its right arm.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import nn

LATENT_CHANNELS = 16
COLOUR = slice(0, 3)
RELIEF = 3
SHOWN = 4
"""The first so many latent channels are seen; the decoder ignores the others."""

_WIDTH = 16
_HIGH, _LOW, _BORDER, _ZERO = 4, 5, 6, 7
_STEADY = 30.0
_SPREAD = _STEADY * (2 / _WIDTH) ** 0.5
_STRAIGHT = 12.0
"""SiLU(x + 12) is x + 12 to within 1e-4 for the |x| < 3 that occur."""

_LAYERS = (-2.4, -1.7, -1.0, -0.3, 0.4, 1.1, 1.8)
"""Heights of relief at which one sheet of paper ends and the next begins."""
_DROP = 0.20
"""How much darker, of 2 from black to white, each sheet starts than the one above it ends."""
_MIST = 0.06
"""How much a sheet brightens towards its foot, per unit of relief."""
_SHARPNESS = 90.0


def build_vae() -> AutoencoderKL:
    """An 8x autoencoder whose decoder is set by hand; its encoder is random: it serves no picture-to-picture."""
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=LATENT_CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(_WIDTH,) * 4,
        layers_per_block=1,
        norm_num_groups=1,
        scaling_factor=1.0,
        shift_factor=0.0,
        use_quant_conv=False,
        use_post_quant_conv=False,
        mid_block_add_attention=False,
        force_upcast=False,
    )
    with torch.no_grad():
        _set_decoder(vae.decoder)
    return vae.eval()


def _set_decoder(decoder: Any) -> None:
    _clear(decoder.conv_in)
    for channel in range(SHOWN):
        decoder.conv_in.weight[channel, channel, 1, 1] = 1.0
    decoder.conv_in.bias[_HIGH], decoder.conv_in.bias[_LOW] = _STEADY, -_STEADY

    for resnet in decoder.mid_block.resnets:
        _pass_through(resnet)
    for position, block in enumerate(decoder.up_blocks):
        first, second = block.resnets
        _pass_through(second)
        if position == 0:
            _pass_through(first)
        else:
            _mend_border(first)
        if block.upsamplers is None:
            _cut_paper(second)
        else:
            _enlarge(block.upsamplers[0].conv)

    _straighten(decoder.conv_norm_out)
    _clear(decoder.conv_out)
    for channel in range(3):
        decoder.conv_out.weight[channel, channel, 1, 1] = 1.0
        decoder.conv_out.weight[channel, RELIEF, 1, 1] = _MIST
        decoder.conv_out.weight[channel, _ZERO, 1, 1] = -_MIST - 1.0
        decoder.conv_out.bias[channel] = _DROP * sum(height < 0 for height in _LAYERS)


def _enlarge(conv: nn.Conv2d) -> None:
    """After doubling every pixel, average 1-2-1 both ways: linear interpolation, but for the border (see below)."""
    _clear(conv)
    tent = torch.tensor([0.25, 0.5, 0.25])
    for channel in range(SHOWN):
        conv.weight[channel, channel] = torch.outer(tent, tent)
    for channel in (_HIGH, _LOW):
        conv.weight[channel, channel, 1, 1] = 1.0
    conv.weight[_BORDER, _HIGH] = torch.outer(tent, tent) / _STEADY


def _mend_border(resnet: Any) -> None:
    """Undo what zero padding does to `_enlarge`: along an edge a quarter of the neighbours is missing.

    The `_BORDER` channel holds the share that was found: 1 inside, 3/4 along an edge, 9/16 in a corner. A unit that
    adds it to a colour is asleep above a threshold and awake below it, where it gives back what was missing.
    """
    units = 2 * (SHOWN + 1)
    inner, outer, offset = torch.zeros(units, _WIDTH), torch.zeros(_WIDTH, units), torch.zeros(units)
    inner[:, _BORDER] = -48.0
    edge, corner = 4 / 3, 16 / 9
    for start, threshold, missing in ((0, 7 / 8, edge - 1), (SHOWN + 1, 21 / 32, corner - edge)):
        alone = start + SHOWN
        offset[start : alone + 1] = 48.0 * threshold
        for channel in range(SHOWN):
            inner[start + channel, channel] = 1.0
            outer[channel, start + channel], outer[channel, alone] = missing, -missing
    _set_units(resnet, inner=inner, offset=offset, gain=8.0, outer=outer)


def _cut_paper(resnet: Any) -> None:
    """Let the picture drop by `_DROP` wherever the relief passes one of the `_LAYERS`, over about two pixels."""
    edges = torch.tensor(_LAYERS)
    count = len(edges)
    inner, outer = torch.zeros(2 * count, _WIDTH), torch.zeros(_WIDTH, 2 * count)
    inner[:, RELIEF] = 1.0
    offset = torch.cat([-edges, -edges - 1.0 / _SHARPNESS])
    outer[COLOUR, :count] = -_DROP * _SHARPNESS
    outer[COLOUR, count:] = _DROP * _SHARPNESS
    _set_units(resnet, inner=inner, offset=offset, gain=6 * _SHARPNESS, outer=outer)


def _set_units(resnet: Any, *, inner: torch.Tensor, offset: torch.Tensor, gain: float, outer: torch.Tensor) -> None:
    """Make a residual block add `outer @ silu(gain * (inner @ x + offset)) / gain` to each pixel `x`."""
    units = len(offset)
    _straighten(resnet.norm1)
    _clear(resnet.conv1)
    resnet.conv1.weight[:units, :, 1, 1] = inner
    resnet.conv1.weight[:units, _ZERO, 1, 1] = -inner.sum(1)
    resnet.conv1.bias[:units] = offset
    steady, resting = 1000.0, float((offset + inner[:, _BORDER]).sum())
    # The norm takes off the mean of all units, so the last channel balances what they hold when a pixel is plain.
    resnet.conv1.bias[_WIDTH - 2], resnet.conv1.bias[_WIDTH - 1] = steady, -steady - resting
    nn.init.constant_(resnet.norm2.weight, gain * steady * (2 / _WIDTH) ** 0.5)
    nn.init.zeros_(resnet.norm2.bias)
    _clear(resnet.conv2)
    resnet.conv2.weight[:, :units, 1, 1] = outer / gain


def _pass_through(resnet: Any) -> None:
    _clear(resnet.conv2)


def _straighten(norm: nn.GroupNorm) -> None:
    """Make norm and SiLU together add a constant, for all but the two steady channels."""
    nn.init.constant_(norm.weight, _SPREAD)
    nn.init.constant_(norm.bias, _STRAIGHT)


def _clear(conv: nn.Conv2d) -> None:
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
