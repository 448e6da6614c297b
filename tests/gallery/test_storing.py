"""What is written when a picture is kept, and that nothing is left behind when it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import PIL.Image
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import FileSystemStorage
from django.db import IntegrityError
from sd_parsers import ParserManager

from gallery import storing
from gallery.models import Image
from tests.factories import make_image, make_picture

PROMPTS = [
    "a café, 'quoted' \"twice\"",
    "雨中的灯塔，水彩",
    "منارة عند الغروب",
    "🦊 fox 👩‍🚀 in space",
    "two\nlines\nSteps: 3, Seed: 1",
]


def drawn(**facts: object) -> storing.DrawnPicture:
    return storing.DrawnPicture(
        **{"prompt": "a fox", "width": 96, "height": 64, "steps": 8, "seed": 42, "model": "Z-Image-Turbo"} | facts
    )


@pytest.mark.parametrize("prompt", PROMPTS)
def test_any_script_survives_in_the_png(prompt: str, tmp_path) -> None:
    (tmp_path / "one.png").write_bytes(storing.encode(make_picture(), drawn(prompt=prompt)).png)
    with PIL.Image.open(tmp_path / "one.png") as picture:
        picture.load()
        text = dict(picture.text)
    last_line = (
        "Steps: 8, Sampler: Euler, CFG scale: 1, Seed: 42, Size: 96x64, Model: Z-Image-Turbo, Version: Zimageweb"
    )
    assert text["parameters"] == f"{prompt}\n{last_line}"
    assert json.loads(text["zimageweb"])["prompt"] == prompt


def test_the_png_holds_the_whole_record(tmp_path) -> None:
    record = {"dtype": "bfloat16", "versions": {"diffusers": "0.42.1"}}
    facts = drawn(record=record, style="ink, wash", seconds=2.5)
    (tmp_path / "one.png").write_bytes(storing.encode(make_picture(), facts).png)
    with PIL.Image.open(tmp_path / "one.png") as picture:
        told = json.loads(picture.text["zimageweb"])
        assert picture.text["parameters"].endswith('Style: "ink, wash", Version: Zimageweb')
    assert told["record"] == record
    assert (told["seed"], told["seconds"]) == (42, 2.5)
    assert told["created_at"] == facts.created_at.isoformat()


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("negative", ["", "blurry,\nlow quality"])
def test_another_library_reads_our_parameters(prompt: str, negative: str, tmp_path) -> None:
    facts = drawn(prompt=prompt, guidance=2.5, record={"negative_prompt": negative})
    (tmp_path / "one.png").write_bytes(storing.encode(make_picture(), facts).png)
    told = ParserManager().parse(tmp_path / "one.png")
    assert told is not None
    assert (told.full_prompt, told.full_negative_prompt) == (prompt, negative)
    (sampler,) = told.samplers
    assert (sampler.name, sampler.model.name) == ("Euler", "Z-Image-Turbo")
    assert sampler.parameters == {"steps": "8", "cfg_scale": "3.5", "seed": "42"}
    assert (told.metadata["Size"], told.metadata["Version"]) == ("96x64", "Zimageweb")
    assert ("Negative prompt:" in storing.parameters_text(facts)) == bool(negative)


def test_the_pixels_are_kept_as_they_are(tmp_path) -> None:
    picture = make_picture(130, 70)
    (tmp_path / "one.png").write_bytes(storing.encode(picture, drawn()).png)
    with PIL.Image.open(tmp_path / "one.png") as read:
        assert read.tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1536, 768), {256: (256, 128), 512: (512, 256), 1024: (1024, 512)}),
        ((300, 400), {256: (192, 256), 512: (300, 400), 1024: (300, 400)}),
    ],
)
def test_thumbnails_fit_their_side_and_are_never_enlarged(size, expected, tmp_path) -> None:
    encoded = storing.encode(make_picture(*size), drawn())
    sizes = {}
    for side, content in encoded.thumbnails.items():
        (tmp_path / "one.webp").write_bytes(content)
        with PIL.Image.open(tmp_path / "one.webp") as thumbnail:
            assert thumbnail.format == "WEBP"
            sizes[side] = thumbnail.size
    assert sizes == expected


def test_encoding_works_in_threads_and_for_pictures_with_transparency() -> None:
    pictures = [make_picture(), make_picture().convert("RGBA"), make_picture().convert("L")] * 4
    with ThreadPoolExecutor(4) as pool:
        encoded = list(pool.map(lambda picture: storing.encode(picture, drawn()), pictures))
    assert all(one.png.startswith(b"\x89PNG") for one in encoded)


@pytest.mark.database
def test_a_kept_picture_has_four_files_named_after_it(alice: User, stored: Callable[[], set[str]], media) -> None:
    image = make_image(alice, prompt="🦊", record={"a": [1, {"b": None}]})
    folder = f"images/{alice.pk}/{image.created_at:%Y/%m}"
    names = [f"{image.pk}.png", *(f"{image.pk}.{side}.webp" for side in (256, 512, 1024))]
    assert stored() == {f"{folder}/{name}" for name in names}
    image.refresh_from_db()
    assert image.bytes == sum((media / name).stat().st_size for name in stored())
    assert (image.prompt, image.record) == ("🦊", {"a": [1, {"b": None}]})


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refused", [{"owner_id": 987_654}, {"steps": -1}])
def test_a_refused_row_leaves_no_file(alice: User, stored: Callable[[], set[str]], refused: dict[str, int]) -> None:
    """The owner was deleted meanwhile, which shows at the commit; or a value breaks a rule, which shows at once."""
    owner_id = refused.pop("owner_id", alice.pk)
    with pytest.raises(IntegrityError):
        storing.keep(owner_id=owner_id, picture=make_picture(), drawn=drawn(**refused))
    assert stored() == set()
    assert not Image.objects.exists()


def test_files_can_be_discarded_when_the_transaction_was_refused(alice: User, stored: Callable[[], set[str]]) -> None:
    image = storing.draft(owner_id=alice.pk, drawn=drawn())
    storing.write_files(image, storing.encode(make_picture(), drawn()))
    assert len(stored()) == 4
    storing.discard_files(image)
    storing.discard_files(image)
    assert stored() == set()


def test_a_full_disk_leaves_no_part_of_a_picture(
    alice: User, stored: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third file breaks off in the middle of writing."""
    write = FileSystemStorage._save
    written: list[str] = []

    def save(storage: FileSystemStorage, name: str, content: object) -> str:
        written.append(name)
        saved = write(storage, name, content)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return saved

    monkeypatch.setattr(FileSystemStorage, "_save", save)
    image = storing.draft(owner_id=alice.pk, drawn=drawn())
    with pytest.raises(OSError, match="No space"):
        storing.write_files(image, storing.encode(make_picture(), drawn()))
    assert len(written) == 3
    assert stored() == set()
