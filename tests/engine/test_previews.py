"""Previews resemble the picture that comes of them: measured over fifty prompts by a worker that has just started."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from statistics import median

from PIL import Image

from generation.engine.types import StepReport

from .conftest import ask, likeness, load_engine

SUBJECTS = [  # what the starter model knows, and what it does not
    *("a red circle on a blue background", "four yellow stars on a black background", "粉色心形在紫色圆形的上方"),
    *("the sea at sunset with a white boat", "snowy mountains at night with the moon", "夜晚的丘陵，有一座红色的房子"),
    *("a desert under an orange sky", "a red fox in snow", "一只猫坐在窗台上", "🌋"),
]
MANNERS = ["", ", ink drawing", ", watercolour, soft light", "，水墨画", ", very dark"]
STEPS = 8


def test_previews_resemble_the_picture(starter: Path) -> None:
    engine = load_engine(starter)
    after_two, at_half, pictures = [], [], []
    for seed, (subject, manner) in enumerate(product(SUBJECTS, MANNERS)):
        previews: list[Image.Image] = []

        def on_step(report: StepReport, previews: list[Image.Image] = previews) -> tuple[int, ...]:
            previews.extend(preview for preview in report.previews() if preview is not None)
            return ()

        request = ask(subject + manner, seed, width=256, height=192, steps=STEPS)
        [picture] = engine.draw([request], on_step)
        assert picture is not None
        assert len(previews) == STEPS
        pictures.append(picture)
        after_two.append(likeness(previews[1], picture))
        at_half.append(likeness(previews[STEPS // 2 - 1], picture))
    of_another = median(likeness(one, other) for one, other in zip(pictures, pictures[len(MANNERS) :], strict=False))
    figures = (
        f"median correlation over {len(at_half)} prompts: {median(after_two):.3f} after step 2 (least "
        f"{min(after_two):.3f}), {median(at_half):.3f} at half the steps (least {min(at_half):.3f}), {of_another:.3f} "
        "with the picture of another subject"
    )
    sys.stdout.write(f"{figures}\n")
    assert len(at_half) == 50
    assert median(after_two) >= 0.6, figures
    assert median(at_half) >= 0.8, figures
    assert after_two[0] >= 0.6, figures  # before the matrix has learnt from a picture
    assert sum(each < 0.6 for each in after_two) <= 1, figures  # of prompts it knows nothing of it may think anew
    assert min(at_half) >= 0.7, figures
    assert of_another < 0.5, figures  # else the others would say nothing
