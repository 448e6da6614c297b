"""`manage.py prepare_model`: a model onto this machine's disk, for workers to load quickly and without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from generation.drawing_options import engine_options
from generation.engine.exceptions import EngineError
from generation.engine.model_folder import TURBO
from generation.engine.plan import QUANTIZATIONS


class Command(BaseCommand):
    help = (
        "Fetch a Z-Image model, convert it once to the number format that it runs in, draw one picture to check it, "
        "and keep it under the data folder. What was interrupted is gone on with by running the same command again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add(
            "model", nargs="?", metavar="ID|PATH", help="hub id or diffusers folder; by default what ZIMAGE_MODEL names"
        )
        add("--source", choices=("huggingface", "modelscope"), default="huggingface", help="where an id is looked up")
        add("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16", help="format of the weights")
        add(
            "--quantization",
            choices=QUANTIZATIONS,
            default="none",
            help="pack the weights into fewer bits on the disk; int8 and fp8 need torchao, 4bit bitsandbytes and CUDA",
        )

    def handle(self, *args: Any, model: str | None, source: str, dtype: str, quantization: str, **options: Any) -> None:
        model = model or (TURBO if settings.ZIMAGE_MODEL == "auto" else settings.ZIMAGE_MODEL)
        try:
            # Imports torch: for `--help` and a mistyped word nobody should wait three seconds.
            from generation.engine.preparing.prepare import prepare
            from generation.engine.preparing.repository import gigabytes

            with _Bar(self) as narrator:
                found = prepare(model, source, dtype, engine_options(), narrator, quantization=quantization)
        except EngineError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted; run the same command again and it goes on where it stopped.") from None
        record, proof = found.record, found.proof
        drawn = (
            f"one picture of {proof.side} x {proof.side} was drawn in {proof.seconds:.1f} s"
            if not proof.why_not
            else f"no picture was drawn to check it, as {proof.why_not}"
        )
        size, before = gigabytes(record.size), gigabytes(found.made_from)
        made = f"was made from {before} and" if found.made_from else "was there already and"
        kind = record.dtype if record.quantization == "none" else f"{record.quantization} and {record.dtype}"
        self.stdout.write(
            f"{record.id} {made} lies in {found.folder}: {size} in {kind}; {drawn}"
            f"{_how_to_use(record.id, found.folder)}."
        )


def _how_to_use(model: str, folder: Path) -> str:
    if settings.ZIMAGE_MODEL in (model, str(folder)) or (settings.ZIMAGE_MODEL == "auto" and model == TURBO):
        return ""
    return f"; set ZIMAGE_MODEL={model if '/' in model else folder} to use it"


class _Bar:
    """A bar on a terminal; elsewhere only the sentences."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def say(self, sentence: str) -> None:
        self._close()
        self._command.stdout.write(sentence)
        self._command.stdout.flush()

    def advance(self, done: int, total: int, what: str) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, initial=done, unit="B", unit_scale=True, disable=None, dynamic_ncols=True)
        self._bar.set_description(what.rsplit("/", 1)[-1][-32:], refresh=False)
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
