"""What fits where: plans for made-up memories, with the sizes of Z-Image-Turbo. No GPU is needed."""

from __future__ import annotations

from typing import Any

import pytest

from generation.engine.exceptions import EngineError
from generation.engine.plan import Device, ModelSize, PartSize, Plan, Wishes, make_plan

MILLION = 1_000_000
# As `test_weights` counts them in the published architectures.
TURBO = ModelSize(
    transformer=PartSize(plain=2 * MILLION, linear=6_153 * MILLION, largest_block=178 * MILLION),
    text_encoder=PartSize(plain=389 * MILLION, linear=3_633 * MILLION, largest_block=101 * MILLION),
    vae=PartSize(plain=84 * MILLION),
    width=3840,
    token_pixels=256,
    decoder_width=256,
    native_pixels=1024 * 1024,
)
BOTH = ("torchao", "bitsandbytes")
MEGAPIXEL = 1 << 20


def plan_for(gigabytes: float, packages: tuple[str, ...] = BOTH, kind: str = "cuda", **wishes: Any) -> Plan:
    return make_plan(Device(kind, int(gigabytes * 1e9)), TURBO, Wishes(**wishes), packages)


def test_the_sizes_are_those_of_the_model() -> None:
    parts = (TURBO.transformer, TURBO.text_encoder, TURBO.vae)
    assert sum(part.resident("bfloat16", "none") for part in parts) == pytest.approx(20.5e9, rel=0.01)


@pytest.mark.parametrize(
    ("card", "free", "packages", "quantization", "offload"),
    [
        ("H100", 83.0, (), "none", "none"),
        ("A10G, 24 GB", 23.8, BOTH, "none", "none"),
        ("A10G, 24 GB", 23.8, (), "none", "none"),
        ("24 GB and a desktop", 22.3, BOTH, "none", "none"),
        ("16 GB", 15.6, BOTH, "int8", "none"),
        ("16 GB", 15.6, (), "none", "model"),
        ("12 GB", 11.8, BOTH, "int8", "model"),
        ("12 GB", 11.8, (), "none", "group"),
        ("8 GB", 7.8, BOTH, "int8", "model"),
        ("8 GB", 7.8, ("bitsandbytes",), "4bit", "model"),
        ("8 GB", 7.8, (), "none", "group"),
        ("6 GB", 5.6, BOTH, "none", "group"),
    ],
)
def test_each_card_has_a_plan_that_fits(
    card: str, free: float, packages: tuple[str, ...], quantization: str, offload: str
) -> None:
    plan = plan_for(free, packages)
    assert (plan.dtype, plan.quantization, plan.offload) == ("bfloat16", quantization, offload), card
    assert f"of {free:.1f} GB free." in plan.reason


@pytest.mark.parametrize(("free", "tiling"), [(83.0, 2 * MEGAPIXEL), (23.8, MEGAPIXEL), (22.3, MEGAPIXEL // 4)])
def test_less_is_decoded_at_once_before_anything_else_is_given_up(free: float, tiling: int) -> None:
    assert plan_for(free).tiling == tiling


def test_a_plan_says_what_a_package_would_be_good_for() -> None:
    assert "pip install torchao" in plan_for(15.6, ()).reason
    assert "pip install" not in plan_for(15.6, BOTH).reason
    assert "pip install" not in plan_for(83.0, ()).reason


def test_what_fits_nowhere_is_planned_as_small_as_it_goes_and_said() -> None:
    plan = plan_for(1.0)
    assert plan.offload == "group"
    assert "may run out of memory" in plan.reason


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({"quantization": "none"}, ("none", "model")),
        ({"quantization": "fp8"}, ("fp8", "none")),
        ({"quantization": "4bit"}, ("4bit", "none")),
        ({"offload": "none"}, ("int8", "none")),
        ({"offload": "group"}, ("none", "group")),
        ({"offload": "group", "quantization": "int8"}, ("int8", "group")),
        ({"offload": "none", "quantization": "none"}, ("none", "none")),  # it may fail: that was asked for
    ],
)
def test_wishes_are_kept(wishes: dict[str, str], expected: tuple[str, str]) -> None:
    plan = plan_for(15.6, **wishes)
    assert (plan.quantization, plan.offload) == expected


@pytest.mark.parametrize(
    ("kind", "free", "dtype"),
    [("cpu", 64.0, "float32"), ("cpu", 32.0, "bfloat16"), ("mps", 32.0, "bfloat16"), ("cuda", 83.0, "bfloat16")],
)
def test_the_number_format_follows_the_device(kind: str, free: float, dtype: str) -> None:
    assert plan_for(free, kind=kind).dtype == dtype
    assert plan_for(free, kind=kind, dtype="float32").dtype == "float32"


@pytest.mark.parametrize("kind", ["cpu", "mps"])
def test_where_main_memory_is_all_there_is_nothing_is_moved_or_packed_unasked(kind: str) -> None:
    plan = plan_for(16.0, kind=kind)
    assert (plan.quantization, plan.offload) == ("none", "none")
    assert plan_for(16.0, kind=kind, quantization="int8").quantization == "int8"


def test_what_is_compiled_in_eight_bits_is_not_moved() -> None:
    assert plan_for(15.6, compile=True).quantization == "int8"
    assert plan_for(11.8, compile=True).quantization == "4bit"
    assert plan_for(11.8, ("torchao",), compile=True).offload == "group"
    with pytest.raises(EngineError, match="ZIMAGE_COMPILE"):
        plan_for(11.8, quantization="int8", offload="model", compile=True)


def test_on_a_cpu_offloading_is_left_out() -> None:
    assert plan_for(64.0, kind="cpu", offload="model").offload == "none"


def test_a_gguf_stays_as_large_as_its_file() -> None:
    size = ModelSize(PartSize(stored=4_500 * MILLION), TURBO.text_encoder, TURBO.vae, 3840, 256, 256, MEGAPIXEL)
    plan = make_plan(Device("cuda", int(15.6e9)), size, Wishes(), ())
    assert (plan.quantization, plan.offload) == ("none", "none")


@pytest.mark.parametrize(
    ("wishes", "packages", "words"),
    [
        ({"quantization": "int8"}, (), "needs the package torchao, which is not installed; run .venv/bin/pip install"),
        ({"quantization": "4bit"}, ("torchao",), "needs the package bitsandbytes"),
        ({"quantization": "4bit", "offload": "group"}, BOTH, "ZIMAGE_OFFLOAD=group"),
        ({"quantization": "3bit"}, BOTH, "set it to auto, none, int8, fp8, 4bit"),
        ({"offload": "all"}, BOTH, "ZIMAGE_OFFLOAD"),
        ({"dtype": "int3"}, BOTH, "ZIMAGE_DTYPE"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    wishes: dict[str, str], packages: tuple[str, ...], words: str
) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        plan_for(24.0, packages, **wishes)
    assert "\n" not in str(caught.value)


def test_four_bits_need_cuda() -> None:
    with pytest.raises(EngineError, match="needs a CUDA device, and this is cpu"):
        plan_for(24.0, kind="cpu", quantization="4bit")
