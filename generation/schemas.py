"""What the JSON API takes and gives. Limits that depend on the model are checked in `parameters`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import BaseModel, BeforeValidator
from pydantic_core import PydanticCustomError


def _no_switch(value: Any) -> Any:
    """JSON's true is Python's 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be a number")
    return value


Integer = Annotated[int, BeforeValidator(_no_switch)]


class Lora(BaseModel):
    """A LoRA of the model and how strongly it works."""

    name: str = Field(description="The `name` of one of the model's `loras` from `GET models`.")
    weight: float = Field(1.0, description="From -2 to 2; 1 is as it was trained.")


class GenerationRequest(BaseModel):
    """What to draw. Left out: the model's own size and steps, a random seed, one picture."""

    prompt: str = Field(
        description=(
            "What the pictures show; 1 to 2,000 characters. `{red|blue} {fox|owl}` asks for every combination; "
            "`\\{`, `\\}` and `\\|` are the bare characters."
        )
    )
    width: Integer | None = Field(None, description="Pixels; a multiple of the model's `size_step`.")
    height: Integer | None = Field(None, description="Pixels; a multiple of the model's `size_step`.")
    steps: Integer | None = None
    guidance: float | None = Field(
        None,
        description=(
            "How hard the picture is pulled towards the prompt and away from the negative prompt; doubles the work of "
            "each step. Left out: the model's `default_guidance`. Where that is 0 (Z-Image-Turbo), the model was made "
            "to draw without, and more than 0 usually spoils the picture."
        ),
    )
    seed: Integer | None = Field(None, description="Picture i of each prompt is drawn from seed + i.")
    count: Integer = Field(1, description="Of each combination of the prompt; 10 pictures in all.")
    variation: float = Field(
        0.0, description="0 to 1: how far seeds lead apart; for models whose pictures of one prompt look alike."
    )
    negative_prompt: str = Field("", description="What to keep away from; dropped where `guidance` is 0.")
    style: str | None = Field(None, description="The `key` of a style from `GET models`.")
    loras: list[Lora] = Field([], description="At most 4, each once.")
    init_image: str | None = Field(None, max_length=50, description="Starts from it: `<id of an input>`, `image:<id>`.")
    mask: str | None = Field(None, max_length=50, description="The `id` of an input; what is white is drawn anew.")
    strength: float | None = Field(None, description="How far from `init_image`: above 0 to 1; 0.6 if left out.")


class GenerationOut(Schema):
    """One requested picture and how far it is."""

    id: int
    batch: str
    state: str
    prompt: str
    style: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    init_image: str | None
    mask: str | None
    strength: float | None
    drawn_steps: int
    position: int | None
    starts_in: float | None
    eta_seconds: float | None
    step: int
    image: dict[str, Any] | None
    error: str | None
    error_code: str | None
    cancel_requested: bool
    retry_of: int | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    seq: int
    loras: list[Lora]
    variation: float
    negative_prompt: str
    prompt_template: str = Field(description="What was typed, where the prompt is one of its combinations.")


class SubmissionOut(Schema):
    batch: str
    generations: list[GenerationOut]
    usage: dict[str, Any]


class GenerationPage(Schema):
    items: list[GenerationOut]
    next: str | None


class PictureSettingsOut(Schema):
    """What a picture was drawn with, in the names of `POST generations`; null where the picture does not tell."""

    prompt: str | None
    style: str
    width: int
    height: int
    steps: int | None
    guidance: float | None
    seed: int | None
    source: str = Field(description="The tool that wrote the settings.")
    loras: list[Lora]
    variation: float
    negative_prompt: str
    notes: list[str] = Field(description="A sentence for each value that had to be changed to be drawn here.")


class InputOut(Schema):
    """A picture or mask to start from; `expires_at` moves on whenever it is used."""

    id: str
    width: int
    height: int
    expires_at: str


class Cancelled(Schema):
    cancelled: int


class Move(Schema):
    before: UUID | None = Field(None, description="Another of one's batches that waits; null: after all of them.")


class Order(Schema):
    batches: list[str] = Field(description="One's waiting batches in the order in which they are drawn.")
