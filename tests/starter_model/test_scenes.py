"""Scenes, captions and judges agree with each other; what is held out is never trained on."""

from __future__ import annotations

import numpy as np
import pytest

from generation.catalogue import Model
from starter_model.captions import describe, say_plainly
from starter_model.drawing import draw
from starter_model.evaluate import held_out_scenes
from starter_model.judges import judge
from starter_model.parts import PIXELS_PER_TOKEN
from starter_model.scenes import Figure, Figures, is_held_out, sample_scene
from starter_model.sizes import DESCRIPTION, NATIVE_SIZES, OFFERED_SIZES
from starter_model.text import build_tokenizer, tokenize


def combinations(scene: Figures) -> list[bool]:
    return [is_held_out(figure, scene.background) for figure in scene.figures]


def test_training_never_sees_what_the_evaluation_asks_for() -> None:
    rng = np.random.default_rng(1)
    trained = [scene for scene in (sample_scene(rng) for _ in range(3000)) if isinstance(scene, Figures)]
    assert len(trained) > 1500
    assert not any(any(combinations(scene)) for scene in trained)
    asked = list(held_out_scenes(300))
    assert len(asked) == 300
    assert all(combinations(scene)[0] for scene in asked)


def test_the_judges_find_in_drawn_pictures_what_was_drawn() -> None:
    rng = np.random.default_rng(2)
    for index, scene in enumerate(held_out_scenes(72)):
        verdict = judge(draw(rng, scene, *NATIVE_SIZES[index % len(NATIVE_SIZES)]), scene)
        assert False not in (verdict.background, verdict.colour, verdict.shape, verdict.position, verdict.count), scene


def test_the_judges_see_what_is_wrong() -> None:
    rng = np.random.default_rng(3)
    scenes = list(held_out_scenes(60))
    others = scenes[1:] + scenes[:1]
    wrong = 0
    for scene, other in zip(scenes, others, strict=True):
        verdict = judge(draw(rng, other, 256, 256), scene)
        wrong += False in (verdict.background, verdict.colour, verdict.shape, verdict.position, verdict.count)
    assert wrong == len(scenes)


def test_a_scene_is_drawn_alike_from_one_seed() -> None:
    scene = sample_scene(np.random.default_rng(4))
    first, second = (draw(np.random.default_rng(5), scene, 256, 320) for _ in range(2))
    assert first.shape == (256, 320, 3)
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("language", "caption"),
    [("en", "a large blue circle on a white background"), ("zh", "白色背景上的一个大蓝色圆形")],
)
def test_captions_name_what_is_there(language: str, caption: str) -> None:
    scene = Figures((Figure("blue", "circle"),), "white", size="large")
    assert say_plainly(scene, language) == caption


def test_captions_vary() -> None:
    rng = np.random.default_rng(6)
    scene = sample_scene(rng)
    assert len({describe(rng, scene) for _ in range(50)}) > 10


def test_every_prompt_becomes_tokens_and_comes_back() -> None:
    tokenizer = build_tokenizer(seed=1)
    for prompt in ("a red circle", "红色背景上的三个圆形", "zażółć 😀 \x00"):
        (tokens,) = tokenize(tokenizer, [prompt])
        assert tokenizer.decode(tokens, skip_special_tokens=True) == prompt
    shouted, said = tokenize(tokenizer, ["A RED Circle", "a red circle"])
    assert shouted == said


def test_it_learns_most_of_what_the_site_offers() -> None:
    shapes = Model.from_card(DESCRIPTION | {"size_step": PIXELS_PER_TOKEN}).shapes
    assert {(shape["height"], shape["width"]) for shape in shapes} == set(OFFERED_SIZES)
