"""`python -m starter_model.samples [FOLDER]`: draws the model card's grid into FOLDER's `samples.webp`.

`samples.txt` holds the prompts in reading order: twenty of what the model was trained for, then twenty of what it never
saw. Each picture has its number in that list as its seed, so that none is picked by hand.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from diffusers import ZImagePipeline
from PIL import Image, ImageOps

from starter_model.evaluate import WEIGHTS, draw, load

_PROMPTS = Path(__file__).with_suffix(".txt")
_SIZES = ((256, 256), (256, 384), (320, 320), (384, 256), (224, 384))
_COLUMNS, _CELL, _GAP = 8, 192, 4


def draw_grid(pipeline: ZImagePipeline) -> Image.Image:
    """Each picture is made to fit a square cell and keeps its shape."""
    prompts = _PROMPTS.read_text(encoding="utf-8").splitlines()
    rows = -(-len(prompts) // _COLUMNS)
    grid = Image.new("RGB", (_COLUMNS * (_CELL + _GAP) - _GAP, rows * (_CELL + _GAP) - _GAP), "white")
    for index, prompt in enumerate(prompts):
        pixels = draw(pipeline, prompt, _SIZES[index % len(_SIZES)], seed=index + 1)
        cell = ImageOps.pad(Image.fromarray(pixels), (_CELL, _CELL), Image.Resampling.LANCZOS, color="white")
        row, column = divmod(index, _COLUMNS)
        grid.paste(cell, (column * (_CELL + _GAP), row * (_CELL + _GAP)))
    return grid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=WEIGHTS)
    folder = parser.parse_args().folder
    draw_grid(load(folder)).save(folder / "samples.webp", quality=90, method=6)


if __name__ == "__main__":
    main()
