"""Which number format, quantization and offloading a model gets on a device, from how much fits where.

Arithmetic alone: it is told the device's free memory and the model's sizes, imports neither torch nor diffusers, and
never fails for want of memory. What does not fit by any plan is planned as small as it goes, and the reason says so.
Sizes are estimates to within some ten per cent; `_RESERVE` and generous activations are there for that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from generation.engine.exceptions import EngineError

DTYPES = ("bfloat16", "float16", "float32")
QUANTIZATIONS = ("none", "int8", "fp8", "4bit")
OFFLOADS = ("none", "model", "group")
PACKAGE_OF = {"int8": "torchao", "fp8": "torchao", "4bit": "bitsandbytes"}

_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
_BYTES_OF_WEIGHT = {"int8": 1.01, "fp8": 1.01, "4bit": 0.5625}  # with a scale for each row, or for each 64 weights
_MEGAPIXEL = 1 << 20

DECODED_AT_ONCE = (2 * _MEGAPIXEL, _MEGAPIXEL, _MEGAPIXEL // 4)
"""Pixels that the VAE may decode at once, from roomy to tight; larger pictures are decoded in tiles of so many."""

_RESERVE = 500_000_000
"""Bytes left alone: fragments in the allocator, workspaces of cuBLAS and cuDNN."""

_COPIES_IN_BLOCK = 24
"""Of all tokens' hidden states, alive at once in the transformer: 16 when its allocations at 1024 x 1024 are traced,
and half as much again for what an attention needs."""

_COPIES_IN_DECODER = 5
"""Of the widest layer at full resolution, alive at once in the VAE: 3 when traced, 2 for convolutions' workspace."""

_TEXT_TOKENS = 512

# From the best picture at full speed to what always fits. Offloading the whole model costs a second or two for each
# picture, eight bits cost less than can be seen, four can be seen; groups move all weights at every step.
_ORDER = (
    ("none", "none"),
    ("int8", "none"),
    ("none", "model"),
    ("int8", "model"),
    ("4bit", "none"),
    ("4bit", "model"),
    ("none", "group"),
    ("int8", "group"),
)


@dataclass(frozen=True, slots=True)
class PartSize:
    """One part of a model, counted in parameters; `stored` are bytes that stay as they are, as in a GGUF file.

    linear: weights of linear layers, which quantization shrinks. plain: everything else. largest_block: parameters in
    the largest of the repeated blocks, which group offloading moves as one.
    """

    plain: int = 0
    linear: int = 0
    largest_block: int = 0
    stored: int = 0

    def resident(self, dtype: str, quantization: str) -> float:
        """Bytes on the device when all of it is there."""
        weight = _BYTES_OF_WEIGHT.get(quantization, _BYTES[dtype])
        return self.plain * _BYTES[dtype] + self.linear * weight + self.stored

    def in_groups(self, dtype: str, quantization: str) -> float:
        """Bytes on the device when its blocks come one by one, the next while one is at work."""
        share = min(1.0, 2 * self.largest_block / max(1, self.linear)) if self.largest_block else 1.0
        return self.plain * _BYTES[dtype] + (self.resident(dtype, quantization) - self.plain * _BYTES[dtype]) * share


@dataclass(frozen=True, slots=True)
class ModelSize:
    """A pipeline's parts, and what its activations depend on.

    width: numbers in a token of the transformer. token_pixels: pixels that a token stands for. decoder_width: channels
    of the VAE's widest layer at full resolution. native_pixels: of the picture that must fit.
    """

    transformer: PartSize
    text_encoder: PartSize
    vae: PartSize
    width: int
    token_pixels: int
    decoder_width: int
    native_pixels: int

    def denoising(self, dtype: str) -> float:
        """Bytes that a forward of the transformer takes beyond its weights."""
        tokens = self.native_pixels / self.token_pixels + _TEXT_TOKENS
        return _COPIES_IN_BLOCK * tokens * self.width * _BYTES[dtype]

    def decoding(self, dtype: str, at_once: int) -> float:
        """Bytes that decoding `at_once` pixels takes beyond the VAE's weights."""
        return _COPIES_IN_DECODER * at_once * self.decoder_width * _BYTES[dtype]


@dataclass(frozen=True, slots=True)
class Device:
    """Where it is to run: "cuda", "mps" or "cpu", and the bytes free there."""

    kind: str
    free: int


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator asks for; "auto" leaves it to the plan."""

    dtype: str = "auto"
    quantization: str = "auto"
    offload: str = "auto"
    compile: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is loaded. tiling: pixels that the VAE decodes at once. reason: one sentence for the log."""

    dtype: str
    quantization: str
    offload: str
    tiling: int
    reason: str


def make_plan(device: Device, model: ModelSize, wishes: Wishes, packages: Collection[str]) -> Plan:
    """The first of `_ORDER` that does as `wishes` say, needs no more than `packages` and fits; else the smallest.

    Raises EngineError for wishes that make no sense or need a package that is not there.
    """
    _check(device, wishes, packages)
    plan = _first_that_fits(device, model, wishes, packages)
    if plan.offload != "none" and device.kind == "cuda" and wishes.quantization == "auto" and "torchao" not in packages:
        other = _first_that_fits(device, model, wishes, {*packages, "torchao"})
        if other.quantization != plan.quantization:
            hint = " Faster with torchao, which is not installed (.venv/bin/pip install torchao)."
            return replace(plan, reason=plan.reason + hint)
    return plan


def _first_that_fits(device: Device, model: ModelSize, wishes: Wishes, packages: Collection[str]) -> Plan:
    best: tuple[float, Plan] | None = None
    for dtype, quantization, offload in _candidates(device, wishes, packages):
        for tiling in DECODED_AT_ONCE:
            needed = _needed(model, dtype, quantization, offload, tiling)
            plan = Plan(dtype, quantization, offload, tiling, _reason(device, needed, dtype, quantization, offload))
            if needed <= device.free:
                return plan
            if best is None or needed < best[0]:
                best = needed, plan
    if best is None:  # the only wishes that pass `_check` and leave nothing
        raise EngineError(
            f"ZIMAGE_QUANTIZATION={wishes.quantization} with ZIMAGE_OFFLOAD={wishes.offload} does not go with "
            "ZIMAGE_COMPILE: compiled weights in eight bits cannot be moved; set it to off."
        )
    return best[1]


def _check(device: Device, wishes: Wishes, packages: Collection[str]) -> None:
    for name, value, known in (
        ("DTYPE", wishes.dtype, DTYPES),
        ("QUANTIZATION", wishes.quantization, QUANTIZATIONS),
        ("OFFLOAD", wishes.offload, OFFLOADS),
    ):
        if value != "auto" and value not in known:
            raise EngineError(f"ZIMAGE_{name} is “{value}”; set it to auto, {', '.join(known)}.")
    package = PACKAGE_OF.get(wishes.quantization)
    if package and package not in packages:
        raise EngineError(
            f"ZIMAGE_QUANTIZATION={wishes.quantization} needs the package {package}, which is not installed; "
            f"run .venv/bin/pip install {package}, or set it to none."
        )
    if wishes.quantization == "4bit" and device.kind != "cuda":
        raise EngineError(
            f"ZIMAGE_QUANTIZATION=4bit needs a CUDA device, and this is {device.kind}; set it to int8 or none."
        )
    if wishes.quantization == "4bit" and wishes.offload == "group":
        raise EngineError("ZIMAGE_QUANTIZATION=4bit does not go with ZIMAGE_OFFLOAD=group; set the latter to model.")


def _candidates(device: Device, wishes: Wishes, packages: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Number formats, quantizations and offloads to try, the best first."""
    dtypes = [wishes.dtype]
    if wishes.dtype == "auto":
        # No float16: Z-Image overflows in it and draws black (Tongyi-MAI/Z-Image#14), so older CUDA devices get
        # bfloat16 too, which they emulate. Without it a CPU is slower by far, but may have too little memory else.
        dtypes = ["float32", "bfloat16"] if device.kind == "cpu" else ["bfloat16"]
    for dtype in dtypes:
        for quantization, offload in _combinations(wishes):
            unasked = wishes.quantization == "auto" and quantization != "none"
            # Unasked on CUDA only: elsewhere the kernels are not known to be worth it.
            if unasked and (device.kind != "cuda" or PACKAGE_OF[quantization] not in packages):
                continue
            if device.kind == "cpu":
                offload = "none"  # what would be offloaded goes to main memory, and is there
            elif device.kind == "mps" and wishes.offload == "auto" and offload != "none":
                continue  # there, main memory and the device's are the same
            if wishes.compile and offload != "none" and PACKAGE_OF.get(quantization) == "torchao":
                continue  # torch swaps such weights when it moves them, and cannot when a compiled block holds them
            yield dtype, quantization, offload


def _combinations(wishes: Wishes) -> Iterator[tuple[str, str]]:
    if wishes.quantization == "auto":
        yield from ((q, offload) for q, offload in _ORDER if wishes.offload in ("auto", offload))
        return
    for offload in OFFLOADS if wishes.offload == "auto" else (wishes.offload,):
        if (wishes.quantization, offload) != ("4bit", "group"):
            yield wishes.quantization, offload


def _needed(model: ModelSize, dtype: str, quantization: str, offload: str, tiling: int) -> float:
    """The largest number of bytes on the device at any time while one picture of native size is drawn."""
    transformer = model.transformer.resident(dtype, quantization)
    text = model.text_encoder.resident(dtype, quantization)
    vae = model.vae.resident(dtype, "none")
    denoising, decoding = model.denoising(dtype), model.decoding(dtype, tiling)
    whole = transformer + text + vae
    if offload == "none":
        needed = whole + max(denoising, decoding)
    elif offload == "model":
        needed = max(text + denoising, transformer + denoising, vae + decoding)
        if quantization == "4bit":
            needed = max(needed, whole)  # bitsandbytes packs the weights on the device, before they are offloaded
    else:
        groups = [part.in_groups(dtype, quantization) for part in (model.transformer, model.text_encoder)]
        needed = max(max(groups) + denoising, vae + decoding)
    return needed + _RESERVE


def _reason(device: Device, needed: float, dtype: str, quantization: str, offload: str) -> str:
    weights = {"none": f"{dtype} weights", "4bit": "4-bit weights"}.get(quantization, f"{quantization} weights")
    placed = {
        "none": f"all parts stay on {device.kind}",
        "model": "the part at work is moved there, the others wait in main memory",
        "group": "blocks are moved there one by one, the others wait in main memory",
    }[offload]
    wants = f"about {needed / 1e9:.1f} GB"
    if needed <= device.free:
        return f"{weights}, {placed}: {wants} of {device.free / 1e9:.1f} GB free."
    return (
        f"{weights}, {placed}: wants {wants}, but {device.free / 1e9:.1f} GB are free on {device.kind}, so drawing may "
        "run out of memory."
    )
