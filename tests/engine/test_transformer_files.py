"""The transformer from a file of its own: safetensors and GGUF, in diffusers' names and in the original ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from generation.engine.exceptions import EngineError, ModelBroken, ModelNotFound

from .conftest import ask, draw, likeness, load_engine, needs, refusal

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def weights(random_model: Path) -> Weights:
    return load_file(random_model / "transformer" / "diffusion_pytorch_model.safetensors")


@pytest.fixture(scope="module")
def from_folder(random_model: Path) -> Image.Image:
    return draw(load_engine(random_model), ask())


def in_original_names(weights: Weights) -> Weights:
    """As the first release and ComfyUI name them, with queries, keys and values in one."""
    renamed: Weights = {}
    for name, weight in weights.items():
        if ".attention.to_q." in name:
            three = [weights[name.replace("to_q", part)] for part in ("to_q", "to_k", "to_v")]
            renamed[name.replace("to_q", "qkv")] = torch.cat(three)
        elif ".attention.to_k." not in name and ".attention.to_v." not in name:
            for theirs, ours in (
                (".to_out.0.", ".out."),
                (".norm_q.", ".q_norm."),
                (".norm_k.", ".k_norm."),
                ("all_x_embedder.2-1.", "x_embedder."),
                ("all_final_layer.2-1.", "final_layer."),
            ):
                name = name.replace(theirs, ours)
            renamed[name] = weight
    return renamed


def write_gguf(path: Path, weights: Weights, blocks: str, outside: str = "F32") -> Path:
    """Matrices of the blocks in one of GGUF's formats, others, padding tokens too, in another, vectors as they are."""
    import gguf

    writer = gguf.GGUFWriter(str(path), "lumina2")
    for name, weight in in_original_names(weights).items():
        inside = name.startswith(("layers.", "noise_refiner.", "context_refiner."))
        kind = gguf.GGMLQuantizationType[(blocks if inside else outside) if weight.ndim == 2 else "F32"]
        writer.add_tensor(name, gguf.quantize(weight.numpy(), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("rename", [dict, in_original_names], ids=["diffusers", "original"])
def test_a_safetensors_file_draws_what_the_folder_does(
    random_model: Path,
    weights: Weights,
    from_folder: Image.Image,
    tmp_path: Path,
    rename: Callable[[Weights], Weights],
) -> None:
    save_file(rename(weights), tmp_path / "my_finetune-v2.safetensors")
    engine = load_engine(random_model, transformer=str(tmp_path / "my_finetune-v2.safetensors"))
    assert draw(engine, ask()).tobytes() == from_folder.tobytes()
    plain = load_engine(random_model).card
    assert (engine.card.name, engine.card.quantization) == ("my_finetune-v2", "none")
    assert engine.card.revision.startswith(f"{plain.revision}+"), "two files on one pipeline are two models"


def test_the_transformer_that_it_replaces_need_not_be_there(
    random_model: Path, from_folder: Image.Image, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(random_model, tmp_path / "model"))
    file = (folder / "transformer" / "diffusion_pytorch_model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    assert draw(load_engine(folder, transformer=str(file)), ask()).tobytes() == from_folder.tobytes()


@pytest.mark.parametrize(
    ("blocks", "outside", "least"),
    [("F16", "F32", 0.9999), ("Q8_0", "F32", 0.999), ("Q8_0", "BF16", 0.999), ("Q4_0", "F32", 0.99)],
)
def test_a_gguf_file_draws_nearly_what_the_folder_does(
    random_model: Path,
    weights: Weights,
    from_folder: Image.Image,
    tmp_path: Path,
    blocks: str,
    outside: str,
    least: float,
) -> None:
    needs("gguf")
    path = write_gguf(tmp_path / "model.gguf", weights, blocks, outside)
    engine = load_engine(random_model, transformer=str(path))
    assert likeness(draw(engine, ask()), from_folder) >= least
    assert (engine.card.name, engine.card.quantization) == ("model", "gguf")


def test_a_batch_through_a_gguf_equals_its_singles(random_model: Path, weights: Weights, tmp_path: Path) -> None:
    needs("gguf")
    engine = load_engine(random_model, transformer=str(write_gguf(tmp_path / "model.gguf", weights, "Q8_0")))
    requests = [ask("fog", seed=1), ask("waves breaking on the rocks below a lighthouse", seed=2)]
    together = engine.draw(requests, lambda _report: ())
    for picture, request in zip(together, requests, strict=True):
        assert picture is not None
        assert likeness(picture, draw(engine, request)) > 0.9999


def test_a_truncated_file_is_told_and_named(random_model: Path, weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    save_file(weights, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert str(path) in refusal(ModelBroken, random_model, random_model, transformer=str(path))


def test_a_truncated_gguf_is_told_and_named(random_model: Path, weights: Weights, tmp_path: Path) -> None:
    needs("gguf")
    path = write_gguf(tmp_path / "half.gguf", weights, "Q8_0")
    for length in (path.stat().st_size // 2, 100, 3, 0):
        path.write_bytes(path.read_bytes()[:length])
        assert str(path) in refusal(ModelBroken, random_model, random_model, transformer=str(path))


def test_a_file_that_lacks_a_layer_is_told(random_model: Path, weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "holes.safetensors"
    save_file({name: weight for name, weight in weights.items() if not name.startswith("layers.1.")}, path)
    assert "holes" in refusal(ModelBroken, random_model, random_model, transformer=str(path))


def test_the_transformer_of_another_model_is_told(random_model: Path, starter: Path) -> None:
    other = starter / "transformer" / "diffusion_pytorch_model.safetensors"
    assert "goes with ZIMAGE_MODEL" in refusal(ModelBroken, random_model, random_model, transformer=str(other))


def test_fp8_with_scales_is_told(random_model: Path, weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "scaled.safetensors"
    save_file(weights | {"layers.0.feed_forward.w1.scale_weight": torch.ones(1)}, path)
    assert "scales" in refusal(ModelBroken, random_model, random_model, transformer=str(path))


def test_a_plain_fp8_file_is_read(
    random_model: Path, weights: Weights, from_folder: Image.Image, tmp_path: Path
) -> None:
    path = tmp_path / "fp8.safetensors"
    save_file({name: weight.to(torch.float8_e4m3fn) for name, weight in weights.items()}, path)
    picture = draw(load_engine(random_model, transformer=str(path)), ask())
    assert np.asarray(picture).std() > 5
    assert likeness(picture, from_folder) > 0.9


@pytest.mark.parametrize(
    ("name", "kind", "word"),
    [("missing.safetensors", ModelNotFound, "no file here"), ("weights.ckpt", EngineError, ".gguf")],
)
def test_what_is_no_such_file_is_refused(
    random_model: Path, tmp_path: Path, name: str, kind: type[EngineError], word: str
) -> None:
    (tmp_path / "weights.ckpt").touch()
    assert word in refusal(kind, random_model, random_model, transformer=str(tmp_path / name))


def test_a_file_as_the_model_is_pointed_to_the_other_variable(random_model: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    assert "ZIMAGE_TRANSFORMER" in refusal(ModelNotFound, tmp_path / "model.safetensors", random_model)


def test_gguf_without_its_package_is_one_sentence(
    random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.gguf").touch()
    monkeypatch.setattr("generation.engine.quantization.find_spec", lambda _name: None)
    sentence = refusal(EngineError, random_model, random_model, transformer=str(tmp_path / "model.gguf"))
    assert ".venv/bin/pip install gguf" in sentence
