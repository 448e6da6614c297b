"""The parts of the starter model, untrained: their shapes, and the first weights where the default ones train badly."""

from __future__ import annotations

from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImageTransformer2DModel
from torch import nn
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

from starter_model.denoiser import PATCH

CHANNELS = 16
"""Of a latent, as in Z-Image."""
PIXELS_PER_LATENT = 16
PIXELS_PER_TOKEN = 2 * PIXELS_PER_LATENT
SHIFT = 3.0
"""Of the sampler's noise levels, as in Z-Image-Turbo; training draws its levels alike."""
SAMPLING_STEPS = 8
_WIDTHS = (16, 24, 64, 128, 96)
"""Narrow where there are many pixels: the decoder's time goes there, its knowledge of shapes sits further down."""
_TEXT_WIDTH = 160
_DIM, _LAYERS, _HEADS = 192, 8, 4


def build_autoencoder() -> AutoencoderKL:
    """Five stages, so that one latent stands for 16 x 16 pixels and one token of the transformer for 32 x 32."""
    stages = len(_WIDTHS)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * stages,
        up_block_types=("UpDecoderBlock2D",) * stages,
        block_out_channels=_WIDTHS,
        layers_per_block=2,
        norm_num_groups=1,
        scaling_factor=1.0,
        shift_factor=0.0,
        use_quant_conv=False,
        use_post_quant_conv=False,
        mid_block_add_attention=False,
        force_upcast=False,
    )


def build_text_encoder(tokenizer: Qwen2Tokenizer) -> Qwen3Model:
    """Three layers, of which the pipeline reads the output of the second (`hidden_states[-2]`)."""
    encoder = Qwen3Model(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=_TEXT_WIDTH,
            intermediate_size=2 * _TEXT_WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=4,
            head_dim=_TEXT_WIDTH // 4,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    nn.init.normal_(encoder.embed_tokens.weight, std=0.5)
    return encoder


def build_transformer() -> ZImageTransformer2DModel:
    transformer = ZImageTransformer2DModel(
        in_channels=CHANNELS,
        dim=_DIM,
        n_layers=_LAYERS,
        n_refiner_layers=1,
        n_heads=_HEADS,
        n_kv_heads=_HEADS,
        cap_feat_dim=_TEXT_WIDTH,
        axes_dims=[16, 16, 16],
        axes_lens=[1536, 512, 512],
    )
    nn.init.normal_(transformer.x_pad_token, std=0.02)
    nn.init.normal_(transformer.cap_pad_token, std=0.02)
    for name, module in transformer.named_modules():
        if name.endswith("adaLN_modulation.0") and isinstance(module, nn.Linear):
            # Gates start half open and the same for every noise level.
            nn.init.normal_(module.weight, std=0.002)
            _, attention_gate, _, feed_gate = module.bias.data.zero_().chunk(4)
            attention_gate.fill_(0.5)
            feed_gate.fill_(0.5)
    last = transformer.all_final_layer[PATCH].linear
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return transformer


def build_scheduler() -> FlowMatchEulerDiscreteScheduler:
    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=SHIFT)
