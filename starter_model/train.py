"""`python -m starter_model.train`: makes the starter model from nothing but a seed.

First the tokenizer, then the autoencoder, then latents of drawn scenes, then transformer and text encoder, then the
decoder once more; at last the folder in diffusers format. Each stage goes on from its last checkpoint when it was
stopped, and a finished one is not repeated. Runs on a CPU or a CUDA device; a CPU with bfloat16 instructions (AMX) is
several times faster than one without.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import ZImagePipeline

from starter_model import autoencoder, decoder, transformer
from starter_model.dataset import load_dataset
from starter_model.evaluate import WEIGHTS
from starter_model.parts import build_scheduler
from starter_model.sizes import DESCRIPTION
from starter_model.text import build_tokenizer

_SCENES_OF_A_SMALL_SIZE = 130
logger = logging.getLogger(__name__)


def train(work: Path, out: Path, seed: int, steps: int, device: torch.device) -> None:
    """work: checkpoints and latents. out: the finished model's folder."""
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = build_tokenizer(seed)
    vae = autoencoder.train_autoencoder(work, device, seed)
    dataset = load_dataset(work / "latents.pt", vae, tokenizer, _SCENES_OF_A_SMALL_SIZE, device, seed)
    plan = replace(transformer.Plan(), steps=steps)
    model = transformer.train_transformer(work, dataset, tokenizer, plan, device, seed)
    decoder.refine_decoder(work, vae, model, tokenizer, device, seed)
    pipeline = ZImagePipeline(
        scheduler=build_scheduler(),
        vae=vae,
        text_encoder=model.text_encoder,
        tokenizer=tokenizer,
        transformer=model.transformer,
    )
    pipeline.to("cpu", torch.float16).save_pretrained(out)
    (out / "zimageweb.json").write_text(json.dumps(DESCRIPTION, indent=2) + "\n", encoding="utf-8")
    logger.info("saved to %s", out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("var/starter_model"), help="checkpoints and latents")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--steps", type=int, default=transformer.Plan().steps, help="of the transformer, 64 scenes each"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(options.work, options.out, options.seed, options.steps, torch.device(options.device))


if __name__ == "__main__":
    main()
