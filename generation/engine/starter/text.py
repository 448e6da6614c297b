"""The starter model's words: its tokenizer and its text encoder, with weights set by hand.

Owns what a prompt means to the starter model: every byte and some eighty common words stand for a colour, and a
random but fixed network gives each of them a taste for certain places in the picture that depends on the text before
it. Knows the layout of the text embedding (`TextLayout`) and nothing of images, latents or the denoiser.
"""

from __future__ import annotations

import torch
from tokenizers import AddedToken
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

ABOVE, BELOW = "<|above|>", "<|below|>"
"""Two tokens that open every prompt; the denoiser reads its vertical coordinate off them."""

END_OF_TEXT, END_OF_TURN = "<|endoftext|>", "<|im_end|>"

CHAT_TEMPLATE = (
    ABOVE + BELOW + "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}" + END_OF_TURN + "{% endif %}"
)

HIDDEN = 48
TASTES = 6


class TextLayout:
    """Where one token's embedding (48 numbers) keeps what."""

    colour = slice(0, 3)  # -1..1, red green blue
    word = 3  # 1 for a word that is known, 0 for a byte
    plain = 4  # 1 for a token that may lend its colour, 0 for the special ones
    above = 5
    below = 6
    steady = 7  # one large constant, so that the RMS norms downstream are close to linear
    taste = slice(8, 8 + TASTES)
    code = slice(8 + TASTES, HIDDEN)  # the random name of the token, mixed with its neighbours'


STEADY = 12.0

_COLOUR_OF_WORD = {
    "#c0392b": "red crimson ruby cherry fox brick 红 火",
    "#e8743b": "orange autumn sunset amber copper pumpkin 橙 秋",
    "#f2b705": "yellow gold golden sun honey lemon 黄 金 日",
    "#4f9d5d": "green grass meadow leaf emerald garden 绿 草",
    "#1f5c4a": "forest jungle pine moss wood woods 林",
    "#2f6fb5": "blue sky river lake cobalt 蓝 天",
    "#1c8c9c": "sea ocean teal turquoise wave waves 海 水",
    "#8fd3e8": "ice cyan glacier frost 冰",
    "#f3f1ea": "white snow cloud clouds paper pearl 白 雪 云",
    "#22283f": "black night midnight shadow ink 黑 夜",
    "#6b4ea0": "purple violet lavender dusk galaxy 紫",
    "#f2a0b5": "pink rose blossom dawn flamingo 粉 花",
    "#8a5a3c": "brown earth coffee bear mountain mountains hills 棕 山",
    "#d9b382": "sand desert beach dune dunes cat 沙",
    "#8d99a6": "grey gray fog mist stone silver rain 灰 雾",
    "#f6d365": "lamp lantern candle light lights moon 灯 月 光",
}

_COLOURS_OF_BYTES = (
    "#264653 #e9c46a #2a9d8f #f4a261 #f1faee #e76f51 #457b9d #ffb4a2 #84a59d #1d3557 #cdb4db #f28482 #a8dadc #6d6875"
)


def build_tokenizer() -> Qwen2Tokenizer:
    """Byte-level, in the class the real model uses: every string encodes, and the known words are one token each."""
    special = [ABOVE, BELOW, END_OF_TURN]
    vocabulary = {character: index for index, character in enumerate(_byte_alphabet())}
    for token in (END_OF_TEXT, *special):
        vocabulary[token] = len(vocabulary)
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=[],
        unk_token=END_OF_TEXT,
        eos_token=END_OF_TURN,
        pad_token=END_OF_TEXT,
        additional_special_tokens=special,
    )
    # Chinese has no spaces, so a character there must be found inside a run of others.
    tokenizer.add_tokens([AddedToken(word, single_word=word.isascii(), normalized=False) for word in colour_of_words()])
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.model_max_length = 131_072
    return tokenizer


def build_text_encoder(tokenizer: Qwen2Tokenizer, generator: torch.Generator) -> Qwen3Model:
    """Two layers, of which the pipeline reads the output of the first (`hidden_states[-2]`)."""
    encoder = Qwen3Model(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=2 * HIDDEN,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    with torch.no_grad():
        encoder.embed_tokens.weight.copy_(_embeddings(tokenizer, generator))
        for layer in encoder.layers:
            for parameter in layer.parameters():
                if parameter.ndim == 2:
                    parameter.normal_(0.0, parameter.shape[1] ** -0.5, generator=generator)
            # Attention stirs the neighbours' codes into a token's own, the feed-forward hashes the mixture into tastes.
            layer.input_layernorm.weight[TextLayout.steady] = 0.0
            layer.post_attention_layernorm.weight[TextLayout.steady] = 0.0
            layer.self_attn.o_proj.weight[: TextLayout.code.start] = 0.0
            layer.self_attn.o_proj.weight.mul_(3.0)
            layer.mlp.gate_proj.weight.mul_(6.0)
            layer.mlp.up_proj.weight.mul_(6.0)
            layer.mlp.down_proj.weight[: TextLayout.taste.start] = 0.0
            layer.mlp.down_proj.weight[TextLayout.code] = 0.0
            layer.mlp.down_proj.weight.mul_(0.15)
    return encoder.eval()


def colour_of_words() -> dict[str, tuple[float, float, float]]:
    """Each known word, in lower case and capitalised, with its colour as three numbers in -1..1."""
    colours = {}
    for code, words in _COLOUR_OF_WORD.items():
        for word in words.split():
            colours[word] = colours[word.capitalize()] = _red_green_blue(code)
    return colours


def _embeddings(tokenizer: Qwen2Tokenizer, generator: torch.Generator) -> torch.Tensor:
    table = torch.zeros(len(tokenizer), HIDDEN)
    table[:, TextLayout.code] = torch.randn(len(tokenizer), HIDDEN - TextLayout.code.start, generator=generator)
    table[:, TextLayout.steady] = STEADY
    table[:, TextLayout.plain] = 1.0
    spare = _COLOURS_OF_BYTES.split()
    for index in range(256):
        table[index, TextLayout.colour] = torch.tensor(_red_green_blue(spare[index % len(spare)]))
    known = colour_of_words()
    for token, index in tokenizer.get_vocab().items():
        if token in known:
            table[index, TextLayout.colour] = torch.tensor(known[token])
            table[index, TextLayout.word] = 1.0
    for token in (END_OF_TEXT, ABOVE, BELOW, END_OF_TURN):
        table[tokenizer.convert_tokens_to_ids(token), TextLayout.plain] = 0.0
    table[tokenizer.convert_tokens_to_ids(ABOVE), TextLayout.above] = 1.0
    table[tokenizer.convert_tokens_to_ids(BELOW), TextLayout.below] = 1.0
    return table


def _red_green_blue(code: str) -> tuple[float, float, float]:
    red, green, blue = (int(code[start : start + 2], 16) / 127.5 - 1.0 for start in (1, 3, 5))
    return red, green, blue


def _byte_alphabet() -> list[str]:
    """The 256 printable stand-ins that byte-level tokenizers write for bytes (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = [chr(value) for value in printable]
    unprintable = [value for value in range(256) if value not in set(printable)]
    return alphabet + [chr(256 + position) for position in range(len(unprintable))]
