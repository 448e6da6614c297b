"""The starter model: a small `ZImagePipeline` that is made here, offline, in a second, and draws in a fraction of one.

Owns its building and where it lies. It stands in until a trained starter model ships, so that everything around the
engine runs on any machine through the very code that runs Z-Image-Turbo. Nobody has trained it: its weights are set by
hand (`text`, `clock`, `transformer`, `vae`) so that a prompt gives a landscape of soft
colours, with the words' own colours where it knows them. It cannot draw things.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline

from generation.engine.exceptions import ModelBroken
from generation.engine.model_folder import DESCRIPTION_FILE
from generation.engine.starter.text import build_text_encoder, build_tokenizer
from generation.engine.starter.transformer import build_transformer
from generation.engine.starter.vae import build_vae

_DESCRIPTION = {
    "name": "Starter model",
    "is_starter": True,
    "native_pixels": 384 * 384,
    "min_side": 64,
    "max_side": 1024,
    "max_pixels": 1024 * 1024,
    "dtype": "float32",  # weights set by hand cancel each other where bfloat16 would leave noise
    "can_start_from_image": False,  # the encoder of its VAE is random
}
_SEED = 1


def ensure_starter(folder: Path) -> Path:
    """Build the starter model in `folder` unless a model lies there already.

    It is built beside and moved into place whole, so that processes that do this at once are in no one's way.
    ModelBroken if `folder` holds something else.
    """
    if _is_model(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        build_starter(building)
        try:
            building.rename(folder)
        except OSError as error:
            if not _is_model(folder):  # else another process was faster
                raise ModelBroken(
                    f"The starter model cannot be put into {folder} because something else is in the way; move it "
                    "away or set ZIMAGE_MODEL to another model."
                ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def build_starter(folder: Path) -> None:
    """Write the starter model into the existing `folder`. The same versions give the same model every time."""
    generator = torch.Generator("cpu").manual_seed(_SEED)
    with torch.random.fork_rng(devices=[]):  # the encoder of the VAE and the biases keep their default, random start
        torch.manual_seed(_SEED)
        tokenizer = build_tokenizer()
        pipeline: Any = ZImagePipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0),
            vae=build_vae(),
            text_encoder=build_text_encoder(tokenizer, generator),
            tokenizer=tokenizer,
            transformer=build_transformer(generator),
        )
    pipeline.save_pretrained(folder)
    (folder / DESCRIPTION_FILE).write_text(json.dumps(_DESCRIPTION, indent=2) + "\n", encoding="utf-8")
    # Weights are saved for the owner alone and the folder was made so; workers of other accounts must read them.
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _is_model(folder: Path) -> bool:
    return (folder / "model_index.json").is_file()
