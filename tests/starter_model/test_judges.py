"""What the judges see in drawn figures, sharp and soft: a verdict is about the picture, not its colours' contrast."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from starter_model.fields import FIELDS
from starter_model.judges import look
from starter_model.palette import COLOURS

CONTRASTS = [("yellow", "purple"), ("gray", "orange"), ("orange", "red"), ("brown", "black"), ("black", "white")]


def figure(shape: str, colour: str, ground: str, softness: float) -> NDArray[np.uint8]:
    """A figure 80 pixels high in the upper left of a picture of 256 pixels; softness: of its edge, in pixels."""
    x = np.arange(256, dtype=np.float32)[None, :]
    inside = np.clip(0.5 - FIELDS[shape](40)(x - 70, x.T - 90), 0, 1)[..., None]
    pixels = inside * np.asarray(COLOURS[colour].rgb) + (1 - inside) * np.asarray(COLOURS[ground].rgb)
    return np.asarray(Image.fromarray(pixels.astype(np.uint8)).filter(ImageFilter.GaussianBlur(softness)))


@pytest.mark.parametrize("softness", [0, 2])
@pytest.mark.parametrize(("colour", "ground"), CONTRASTS)
@pytest.mark.parametrize("shape", FIELDS)
def test_a_figure_is_known_on_every_background(shape: str, colour: str, ground: str, softness: float) -> None:
    background, seen = look(figure(shape, colour, ground, softness))
    assert background == ground
    assert [(each.colour, each.shape) for each in seen] == [(colour, shape)]
    assert seen[0].centre == pytest.approx((70 / 256, 90 / 256), abs=0.04)


def test_an_empty_picture_shows_nothing() -> None:
    assert look(np.full((64, 64, 3), 200, np.uint8))[1] == []
