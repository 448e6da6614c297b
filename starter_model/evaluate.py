"""`python -m starter_model.evaluate [FOLDER]`: does the model draw what is asked, in combinations it has never seen?

Asks for 300 pictures of held-out figures in English, and for the same in Chinese, through the real pipeline as a worker
would, and prints how often each thing asked for is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers import ZImagePipeline

from starter_model.captions import say_plainly
from starter_model.judges import Verdict, judge
from starter_model.parts import SAMPLING_STEPS
from starter_model.scenes import Figures, sample_pair, sample_several, sample_single
from starter_model.sizes import NATIVE_SIZES

WEIGHTS = Path(__file__).parent / "weights"
_SEED = 2026
_LANGUAGES = ("en", "zh")


def held_out_scenes(count: int) -> Iterator[Figures]:
    """Half of them single figures, a quarter several of a kind (two or three), a quarter pairs."""
    rng = np.random.default_rng(_SEED)
    for index in range(count):
        if index % 2 == 0:
            yield sample_single(rng, held_out=True)
        elif index % 4 == 1:
            scene = sample_several(rng, held_out=True)
            while scene.count > 3:
                scene = sample_several(rng, held_out=True)
            yield scene
        else:
            yield sample_pair(rng, held_out=True)


def load(folder: Path) -> ZImagePipeline:
    pipeline = ZImagePipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(pipeline: ZImagePipeline, prompt: str, size: tuple[int, int], seed: int) -> np.ndarray:
    """Pixels (height, width, 3) as a worker draws them: 8 steps, guidance 0, noise from the CPU."""
    height, width = size
    generator = torch.Generator("cpu").manual_seed(seed)
    pictures = pipeline(
        prompt, height=height, width=width, num_inference_steps=SAMPLING_STEPS, guidance_scale=0.0, generator=generator
    ).images
    return np.asarray(pictures[0])


def evaluate(pipeline: ZImagePipeline, count: int) -> dict[str, dict[str, float]]:
    """Shares in percent, for each language."""
    verdicts: dict[str, list[Verdict]] = {language: [] for language in _LANGUAGES}
    for index, scene in enumerate(held_out_scenes(count)):
        for language in _LANGUAGES:
            picture = draw(pipeline, say_plainly(scene, language), NATIVE_SIZES[index % len(NATIVE_SIZES)], seed=index)
            verdicts[language].append(judge(picture, scene))
    return {language: _shares(verdicts[language]) for language in _LANGUAGES}


def _shares(verdicts: list[Verdict]) -> dict[str, float]:
    shares = {}
    for name in asdict(verdicts[0]):
        asked = [value for value in (getattr(verdict, name) for verdict in verdicts) if value is not None]
        shares[name] = round(100 * sum(asked) / len(asked), 1)
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=WEIGHTS)
    parser.add_argument("--count", type=int, default=300, help="pictures in each language")
    parser.add_argument("--json", type=Path, help="write the shares there too")
    options = parser.parse_args()
    began = time.perf_counter()
    shares = evaluate(load(options.folder), options.count)
    lines = ["| held-out prompts | " + " | ".join(shares["en"]) + " |", "|---" * (len(shares["en"]) + 1) + "|"]
    for language, values in shares.items():
        lines.append(f"| {options.count} {language} | " + " | ".join(f"{value} %" for value in values.values()) + " |")
    lines.append(f"\n{2 * options.count} pictures in {time.perf_counter() - began:.0f} s")
    sys.stdout.write("\n".join(lines) + "\n")
    if options.json:
        options.json.write_text(json.dumps(shares, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
