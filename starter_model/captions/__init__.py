"""What people may say of a scene: in English or Chinese, in many words or few, exactly or beside the point."""

from __future__ import annotations

import numpy as np

from starter_model.captions import chinese, english, noise
from starter_model.scenes import Figures, Scene

_ENGLISH_SHARE = 0.55


def describe(rng: np.random.Generator, scene: Scene) -> str:
    """A caption for training, with the noise of real prompts."""
    language = english if rng.random() < _ENGLISH_SHARE else chinese
    words = language.WORDS
    if isinstance(scene, Figures):
        caption = language.say_figures(rng, scene)
        return noise.dress(rng, caption, words) if rng.random() < 0.3 else caption
    chance = rng.random()
    if chance < 0.2:  # of what the model has no idea, it draws a landscape
        return noise.mumble(rng, words)
    if chance < 0.32:
        return noise.mumble(rng, words, about=language.say_keywords(rng, scene))
    caption = language.say_landscape(rng, scene)
    return noise.dress(rng, caption, words) if rng.random() < 0.3 else caption


def describe_at_length(rng: np.random.Generator, scene: Scene, words: int) -> str:
    """The same with about `words` more words, as prompts for large models have them."""
    language = english if rng.random() < _ENGLISH_SHARE else chinese
    return noise.lengthen(rng, describe(rng, scene), language.WORDS, words)


def say_plainly(scene: Figures, language: str) -> str:
    """The one plain caption that the evaluation asks with. language: "en" or "zh"."""
    rng = np.random.default_rng(0)
    return (chinese if language == "zh" else english).say_figures(rng, scene, plain=True)
