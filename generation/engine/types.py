"""What goes into the engine and what comes out. Imports neither torch nor diffusers, so that any process may use it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Which model to load, and how.

    model: "auto" (Z-Image-Turbo on a CUDA device, else the starter model), a hub id or a folder in diffusers format.
    device: "auto" (CUDA, else MPS, else CPU) or what torch calls it, such as "cuda:1".
    transformer: a safetensors or GGUF file that takes the place of the model's transformer; empty for none.
    dtype: "auto", "bfloat16", "float16" or "float32".
    offload: "none", "model" to keep on the device only the part that is at work, "group" to keep only the block that
        is, or "auto" for the first of them that fits; without effect on a CPU.
    quantization: "none", "int8", "fp8" (both with torchao), "4bit" (bitsandbytes, CUDA only), or "auto".
    attention: "auto", or a backend as diffusers' `set_attention_backend` names it, such as "flash_varlen".
    compile: compile the transformer's blocks when they first run.
    max_batch: pictures drawn in one forward; 0 lets the device decide, which on a CPU means 1.
    threads: torch's threads in this process; 0 means one for the starter model on a CPU, where a second makes the
        times of several workers erratic (0.3 s held, against 0.9 s median and 3.3 s worst), else torch's own choice.
    starter_dir: where the starter model lies; it ships with the project.
    models_dir: where prepared models lie (`prepared`); a hub id that was prepared there is loaded from there.
    cache_dir: where downloads from the hub go; None leaves it to huggingface_hub (`HF_HOME`).
    benchmark: this site measures, so the engine that only takes its time may stand in for a model (see `timed`).
    lora_dir: where LoRAs lie, as `lora_files` reads it; None for none.
    """

    model: str
    starter_dir: Path
    device: str = "auto"
    transformer: str = ""
    dtype: str = "auto"
    offload: str = "auto"
    quantization: str = "auto"
    attention: str = "auto"
    compile: bool = False
    max_batch: int = 0
    threads: int = 0
    models_dir: Path | None = None
    cache_dir: Path | None = None
    benchmark: bool = False
    lora_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a loaded model is and can do; written down by the worker for everybody else. Sizes are in pixels.

    quantization, offload and plan: how it is run, and in one sentence why so.
    loras: those that can be asked for, each with the keys `name` and `triggers`, words that call for what it knows.
    """

    name: str
    source: str
    revision: str
    device: str
    dtype: str
    size_step: int
    min_side: int
    max_side: int
    max_pixels: int
    native_pixels: int
    default_steps: int
    max_steps: int
    default_guidance: float
    max_prompt_tokens: int
    max_batch: int
    is_starter: bool
    versions: dict[str, str] = field(default_factory=dict)
    max_batch_pixels: int = 0
    quantization: str = "none"
    offload: str = "none"
    plan: str = ""
    loras: list[dict[str, Any]] = field(default_factory=list)
    can_start_from_image: bool = False

    def as_dict(self) -> dict[str, Any]:
        """All fields, fit for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class StartPicture:
    """What is drawn from in place of pure noise: any size, scaled to cover the request's and cut around its middle.

    strength: above 0 to 1; of the steps about that share is drawn, and 1 keeps nothing of the picture.
    mask: of the picture's size; white is drawn anew, black stays as it is. None: all is drawn anew.
    """

    picture: Image
    strength: float
    mask: Image | None = None


@dataclass(frozen=True, slots=True)
class LoraWeight:
    """A LoRA of the folder, and how strongly it is to work: 1 as it was trained, 0 not at all."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """One picture. The same request on the same card gives the same picture.

    variation: 0 to 1, how far the seed may lead away from what the model makes of the prompt (`variation`).
    negative_prompt: what to keep away from; without effect where `guidance` is 0.
    """

    prompt: str
    width: int
    height: int
    steps: int
    seed: int
    guidance: float = 0.0
    loras: tuple[LoraWeight, ...] = ()
    start: StartPicture | None = None
    variation: float = 0.0
    negative_prompt: str = ""


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of `steps` is done, counted from 1, for the requests whose indexes are `active`.

    `previews()` gives, for each request, a small picture of what it is going to be (longest side 256 px), or None if
    that request is not being drawn at the moment. It costs a few milliseconds, and nothing if it is not called; it may
    be called in another thread, while the next step is drawn.
    """

    step: int
    steps: int
    previews: Callable[[], list[Image | None]]
    active: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceState:
    """address: as torch calls the device, such as "cuda:1". used: bytes taken there by all processes, on a CPU by this
    one alone. total: bytes in all."""

    address: str
    used: int
    total: int


StepCallback: TypeAlias = Callable[[StepReport], Collection[int]]
"""Is told each step; returns the indexes of the requests that are not to be drawn on."""


class Engine(Protocol):
    """A loaded model. Not thread-safe: one thread draws."""

    @property
    def card(self) -> ModelCard: ...

    @property
    def lora_hashes(self) -> Mapping[str, str]:
        """SHA-256 of each LoRA's file, by name, as it was when last loaded."""

    @property
    def cut_prompts(self) -> Mapping[str, int]:
        """How many tokens those prompts drawn lately have of which the model read only the card's
        `max_prompt_tokens`."""

    def warm_up(self) -> None:
        """Draw one tiny picture, so that the first real one is not the slow one."""

    def device_state(self) -> DeviceState | None:
        """How full the device is now; None if that is not known."""

    def draw(self, requests: Sequence[DrawRequest], on_step: StepCallback) -> list[Image | None]:
        """One picture per request, None for a dropped one. See `PipelineEngine.draw`."""
