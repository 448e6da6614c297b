"""What `ZIMAGE_MODEL` and `ZIMAGE_TRANSFORMER` mean: the folder that holds the model, and what it says of itself.

Knows which files there are, not how they come from a hub (`fetching`) nor how they become a pipeline.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from generation.engine.exceptions import EngineError, ModelBroken, ModelNotFound, PassingTrouble
from generation.engine.model_folder import (
    DESCRIPTION_FILE,
    INDEX_FILE,
    TURBO,
    file_revision,
    folder_revision,
    is_hub_id,
)
from generation.engine.prepared import find_prepared, read_record
from generation.engine.types import EngineOptions

TRANSFORMER_FILES = (".safetensors", ".gguf")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from.

    folder: the pipeline in diffusers format; None until a model of the hub is fetched. transformer: a file that
    takes the place of the pipeline's transformer. doubt: why nobody knows whether all files of a model of the hub are
    here; None where that is known.
    """

    name: str
    folder: Path | None
    from_hub: bool = False
    transformer: Path | None = None
    doubt: PassingTrouble | None = None

    @property
    def path(self) -> Path:
        """The folder of a model that is here."""
        if self.folder is None:
            raise ModelNotFound(f"The model {self.name} has not been fetched from the hub; check the network.")
        return self.folder

    @property
    def id(self) -> str:
        """What its publisher calls it, also where it is named by the folder in which it was prepared."""
        record = read_record(self.folder) if self.folder else None
        return record.id if record else self.name

    @property
    def label(self) -> str:
        """What people see where the model does not name itself."""
        return self.transformer.stem if self.transformer else Path(self.name).name

    @property
    def said(self) -> dict[str, Any]:
        """What the `zimageweb.json` beside the model says; nothing for a model from the hub. Raises ModelBroken.

        It may set name, is_starter, can_start_from_image, dtype and any of ModelCard's sizes, steps, guidance and
        max_prompt_tokens.
        """
        path = self.folder / DESCRIPTION_FILE if self.folder else None
        if path is None or not path.is_file():
            return {}
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise broken(self) from error
        if not isinstance(said, dict):
            raise broken(self)
        return said

    @property
    def dtype(self) -> str:
        """The number format that the model insists on, or "auto"."""
        return str(self.said.get("dtype", "auto"))

    @property
    def packed(self) -> str:
        """How the weights in the folder are packed: "none" unless the model was prepared so."""
        record = read_record(self.folder) if self.folder else None
        return record.quantization if record else "none"

    def revision(self, dtype: str) -> str:
        """The commit on the hub, or a hash over the folder; and one of the file.

        Two models of one revision, drawn with in one number format, give the same pictures: where `dtype` is not the
        format that the model was prepared in, the revision says so.
        """
        if self.from_hub:
            known = self.path.name  # the commit names the snapshot's folder
        elif record := read_record(self.path):
            known = record.revision if record.dtype == dtype else f"{record.revision} with weights in {record.dtype}"
        else:
            known = folder_revision(self.path)
        return known if self.transformer is None else f"{known}+{file_revision(self.transformer)}"


def find_source(options: EngineOptions, device: torch.device) -> Source:
    """What `options` mean on `device`.

    Raises ModelNotFound for a folder without a model and for what is neither a folder nor a hub id.
    """
    return replace(_find_pipeline(options, device), transformer=_find_transformer(options.transformer))


def check_class(source: Source) -> None:
    """Diffusers would load another kind of model into a ZImagePipeline without a word. Raises ModelBroken."""
    try:
        index = json.loads((source.path / INDEX_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise broken(source) from error
    name = index.get("_class_name") if isinstance(index, dict) else None
    if name != "ZImagePipeline":
        raise ModelBroken(
            f"The model in {source.name} is a {name}, not a ZImagePipeline; set ZIMAGE_MODEL to another model."
        )


def broken(source: Source) -> ModelBroken | PassingTrouble:
    if source.doubt is not None:
        return source.doubt
    if source.folder is not None and read_record(source.folder):
        return ModelBroken(
            f"The prepared model in {source.folder} is incomplete or damaged; run `manage.py prepare_model` again for "
            f"{source.name}, or set ZIMAGE_MODEL to another model."
        )
    return ModelBroken(
        f"The model in {source.name} is incomplete or damaged; fetch it again, or set ZIMAGE_MODEL to another model."
    )


def _find_pipeline(options: EngineOptions, device: torch.device) -> Source:
    if options.model == "auto":
        if device.type == "cuda":
            return _published(TURBO, options)
        if not (options.starter_dir / INDEX_FILE).is_file():
            raise ModelNotFound(
                f"The starter model is not in {options.starter_dir}, where it ships with the project; fetch the "
                "project's files again or set ZIMAGE_MODEL to another model."
            )
        return Source(str(options.starter_dir), options.starter_dir)
    folder = Path(options.model).expanduser()
    if folder.is_dir():
        if not (folder / INDEX_FILE).is_file():
            raise ModelNotFound(
                f"ZIMAGE_MODEL names the folder {folder}, which holds no model_index.json; give the folder of a model "
                "in diffusers format, or set it to auto."
            )
        return Source(str(folder), folder)
    if folder.is_file():
        raise ModelNotFound(
            f"ZIMAGE_MODEL names the file {folder}; set ZIMAGE_TRANSFORMER to it, and ZIMAGE_MODEL to the pipeline "
            "whose transformer it replaces."
        )
    if is_hub_id(options.model):
        return _published(options.model, options)
    raise ModelNotFound(
        f"ZIMAGE_MODEL is “{options.model}”, which is neither a folder here nor a name on the hub like {TURBO}; "
        "correct it or set it to auto."
    )


def _published(model: str, options: EngineOptions) -> Source:
    """As it was prepared here, else from the hub."""
    folder = find_prepared(options.models_dir, model)
    return Source(model, folder, from_hub=folder is None)


def _find_transformer(given: str) -> Path | None:
    if not given:
        return None
    path = Path(given).expanduser()
    if not path.is_file():
        raise ModelNotFound(f"ZIMAGE_TRANSFORMER is “{given}”, which is no file here; correct it or leave it empty.")
    if path.suffix.lower() not in TRANSFORMER_FILES:
        raise EngineError(
            f"ZIMAGE_TRANSFORMER is “{given}”; it takes a file that ends in {' or '.join(TRANSFORMER_FILES)}."
        )
    return path
