"""What the site's settings say of the engine, which knows no Django."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from generation.engine.types import EngineOptions


def engine_options() -> EngineOptions:
    """For a worker, and for `prepare_model`, which draws one picture as a worker would."""
    return EngineOptions(
        model=settings.ZIMAGE_MODEL,
        transformer=settings.ZIMAGE_TRANSFORMER,
        device=settings.ZIMAGE_DEVICE,
        dtype=settings.ZIMAGE_DTYPE,
        offload=settings.ZIMAGE_OFFLOAD,
        quantization=settings.ZIMAGE_QUANTIZATION,
        attention=settings.ZIMAGE_ATTENTION,
        compile=settings.ZIMAGE_COMPILE,
        max_batch=settings.ZIMAGE_MAX_BATCH,
        threads=settings.ZIMAGE_THREADS,
        starter_dir=Path(settings.STARTER_MODEL_DIR),
        models_dir=Path(settings.MODELS_DIR),
        cache_dir=None,
        benchmark=settings.ZIMAGE_BENCHMARK,
        lora_dir=Path(settings.ZIMAGE_LORA_DIR) if settings.ZIMAGE_LORA_DIR else None,
    )
