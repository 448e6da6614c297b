"""The pictures' sizes: all pairs of sides from 128 to 384 pixels in steps of a token, up to 16:9."""

from starter_model.parts import PIXELS_PER_TOKEN

_SIDES = [PIXELS_PER_TOKEN * tokens for tokens in range(4, 13)]
SIZES = tuple(
    (height, width) for height in _SIDES for width in _SIDES if max(height, width) <= min(height, width) * 1.8
)
"""(height, width) in pixels."""
NATIVE_SIZES = tuple(size for size in SIZES if min(size) >= 224)
"""Those that the model is made for and evaluated at; smaller pictures show less."""
OFFERED_SIZES = ((320, 320), (288, 384), (384, 288), (256, 384), (224, 384), (384, 224))
"""Those of the shapes that the site offers; `tests/starter_model/test_scenes.py` holds them to it."""

DESCRIPTION = {
    "name": "Starter model",
    "is_starter": True,
    "native_pixels": 320 * 320,
    "min_side": _SIDES[0],
    "max_side": _SIDES[-1],
    "max_pixels": _SIDES[-1] ** 2,
    "dtype": "float32",
    "max_prompt_tokens": 256,
}
"""What the site is told of the model beside what its parts show: it was trained at these sizes only."""
