"""ZIP files: asked for, packed by a real worker behind a real Redis, fetched by their owner only, swept after a day."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from gallery import albums, archives, packing, strays
from gallery.models import Archive, Image
from generation import events
from tests.factories import make_image
from zimageweb import housekeeping

SignIn = Callable[[User], Client]
URL = "/api/v1/archives"

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _silence() -> None:
    django_rq.get_queue(housekeeping.QUEUE).empty()


@pytest.fixture
def signed_in(alice: User, as_user: SignIn) -> Client:
    return as_user(alice)


def ask(client: Client, **wish: Any) -> Any:
    return client.post(URL, json.dumps(wish), content_type="application/json")


class Worker(SimpleWorker):
    def _install_signal_handlers(self) -> None:
        """The signals of this process are pytest's."""


def answer_rings() -> bool:
    queue = django_rq.get_queue(housekeeping.QUEUE)
    worker = Worker([queue], connection=queue.connection, serializer=JSONSerializer)
    return worker.work(burst=True, logging_level="WARNING")


def unzipped(content: bytes) -> zipfile.ZipFile:
    file = zipfile.ZipFile(io.BytesIO(content))
    assert file.testzip() is None
    return file


def test_a_zip_is_packed_in_the_background_and_told_of(
    alice: User, bob: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, Any]] = []
    monkeypatch.setattr(events, "archive_finished", lambda owner, archive: told.append((owner, archive)))
    one = make_image(alice, prompt="A lighthouse, at dusk!", seed=7)
    two, his = make_image(alice, prompt="灯塔 黄昏"), make_image(bob)
    binned = make_image(alice, in_bin_for=dt.timedelta(hours=1))
    response = ask(signed_in, ids=[str(image.pk) for image in (one, two, his, binned)])
    waiting = response.json()
    assert (response.status_code, waiting["state"], waiting["count"], waiting["file"]) == (202, "waiting", 2, None)
    assert signed_in.get(f"{URL}/{waiting['id']}/file").status_code == 404
    assert answer_rings()
    ready = signed_in.get(f"{URL}/{waiting['id']}").json()
    assert (ready["state"], ready["count"]) == ("ready", 2)
    assert told == [(alice.pk, ready)]
    response = signed_in.get(ready["file"])
    assert response["Content-Type"] == "application/zip"
    assert "attachment" in response["Content-Disposition"]
    content = response.getvalue()
    assert len(content) == ready["bytes"]
    file = unzipped(content)
    stamp = f"{timezone.localtime(one.created_at):%Y-%m-%d_%H%M%S}"
    assert f"{stamp}_a-lighthouse-at-dusk_7.png" in file.namelist()
    assert any("灯塔-黄昏" in name for name in file.namelist())
    with one.file.open() as original:
        assert file.read(f"{stamp}_a-lighthouse-at-dusk_7.png") == original.read()


def test_a_whole_album_is_named_after_it(alice: User, signed_in: Client) -> None:
    inside, _outside = make_image(alice), make_image(alice)
    album = albums.create(user=alice, name="Ink & brush")
    albums.add(album, [inside.pk])
    told = ask(signed_in, album=str(album.pk)).json()
    assert (told["title"], told["count"]) == ("Ink & brush", 1)
    assert told["filename"].startswith("ink-brush_")
    signed_in.post(f"/gallery/albums/{album.pk}/zip/")
    assert Archive.objects.filter(title="Ink & brush").count() == 2


def test_names_are_unique_on_any_file_system(alice: User) -> None:
    moment = timezone.now()
    images = [
        make_image(alice, width=8, height=8, prompt=prompt, seed=1) for prompt in ("Fox", "fox", "fox!", "狐" * 500)
    ]
    for image in images:
        image.created_at = moment
    names = [name for _image, name in packing.names(images)]
    assert len({name.lower() for name in names}) == 4
    assert all(len(name.encode()) < 255 for name in names)
    assert names[1].endswith("_fox_1_2.png")


def test_what_nobody_rang_for_is_packed_and_what_was_left_lying_again(alice: User) -> None:
    lost = archives.ask(user=alice, ids=[make_image(alice).pk])
    django_rq.get_queue(housekeeping.QUEUE).empty()
    housekeeping.pack()
    lost.refresh_from_db()
    assert lost.state == "ready"
    dead = archives.ask(user=alice, ids=lost.ids)
    begun = timezone.now() - archives.LEASE
    Archive.objects.filter(pk=dead.pk).update(state="packing", started_at=begun + dt.timedelta(minutes=1))
    assert not archives.pack_next()
    Archive.objects.filter(pk=dead.pk).update(started_at=begun)
    assert archives.pack_next()
    dead.refresh_from_db()
    assert dead.state == "ready"


def test_pictures_that_are_gone_are_left_out(alice: User, stored: Callable[[], set[str]]) -> None:
    here, gone = make_image(alice), make_image(alice)
    Path(gone.file.path).unlink()
    both, none = (archives.ask(user=alice, ids=ids) for ids in ([here.pk, gone.pk], [gone.pk]))
    housekeeping.pack()
    both.refresh_from_db(), none.refresh_from_db()
    assert (both.state, both.number, none.state) == ("ready", 1, "failed")
    assert len([name for name in stored() if name.startswith("archives/")]) == 1


def test_a_zip_deleted_while_it_is_packed_leaves_nothing(
    alice: User, stored: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archives.ask(user=alice, ids=[make_image(alice).pk])
    pack = packing.pack

    def deleted_meanwhile(*arguments: Any) -> packing.Packed:
        packed = pack(*arguments)
        Archive.objects.filter(pk=archive.pk).delete()
        return packed

    monkeypatch.setattr(packing, "pack", deleted_meanwhile)
    assert archives.pack_next()
    assert not [name for name in stored() if name.startswith("archives/")]


# -- limits -----------------------------------------------------------------------------------------------------------


def test_limits_are_named(alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [str(make_image(alice).pk) for _ in range(3)]

    def refused() -> tuple[int, str, int | None]:
        response = ask(signed_in, ids=ids)
        told = response.json()
        limit = told["limit"] if response.status_code == 429 else told["errors"][0]["limit"]
        return response.status_code, told["detail"].removeprefix("ids: "), limit

    with monkeypatch.context() as patch:
        patch.setattr(archives, "MOST_PICTURES", 2)
        assert refused() == (422, "These are 3 pictures; one ZIP takes 2.", 2)
    with monkeypatch.context() as patch:
        patch.setattr(archives, "MOST_MEGABYTES", 0)
        assert refused()[1].endswith("one ZIP takes 0 MB.")
    assert [ask(signed_in, ids=ids).status_code for _ in range(2)] == [202, 202]
    assert refused() == (429, "2 ZIP files are being packed for you. Wait until one is ready.", 2)
    response = signed_in.post("/gallery/zip/", {"ids": ids})
    assert "Wait until one is ready." in next(str(told) for told in get_messages(response.wsgi_request))
    assert ask(signed_in, ids=[]).status_code == 422
    assert ask(signed_in).json()["errors"][0]["message"] == "Name the pictures in “ids”, or an album in “album”."


def test_ready_ones_are_limited_too(alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    image = make_image(alice)
    monkeypatch.setattr(archives, "MOST_KEPT_MEGABYTES", image.bytes * 1.5 / 1_000_000)
    monkeypatch.setattr(archives, "_MEGABYTE", 1_000_000)
    assert ask(signed_in, ids=[str(image.pk)]).status_code == 202
    housekeeping.pack()
    refused = ask(signed_in, ids=[str(image.pk)])
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_archives")
    assert "Delete one of them." in refused.json()["detail"]
    Archive.objects.get().delete()
    assert ask(signed_in, ids=[str(image.pk)]).status_code == 202


def test_a_full_disk_is_noticed_before(alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    image = make_image(alice)
    archive = archives.ask(user=alice, ids=[image.pk])
    disk = namedtuple("disk", "total used free")(10**9, 10**9 - 200_000_001, 200_000_001)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: disk)
    response = ask(signed_in, ids=[str(image.pk)])
    assert (response.status_code, response.json()["code"]) == (507, "no_room")
    assert "too full for a ZIP of 1 MB" in response.json()["detail"]
    assert archives.pack_next()
    archive.refresh_from_db()
    assert (archive.state, archive.bytes) == ("failed", 0), "it takes nothing of what the person may have"


# -- how long, and for whom -------------------------------------------------------------------------------------------


def test_a_zip_goes_after_a_day(alice: User, signed_in: Client, stored: Callable[[], set[str]]) -> None:
    archive, young = (archives.ask(user=alice, ids=[make_image(alice).pk]) for _ in range(2))
    housekeeping.pack()
    Archive.objects.filter(pk=archive.pk).update(created_at=timezone.now() - dt.timedelta(hours=25))
    assert signed_in.get(f"{URL}/{archive.pk}/file").status_code == 404
    out = io.StringIO()
    call_command("cleanup_images", "--dry-run", stdout=out)
    assert Archive.objects.count() == 2
    assert "1 ZIP file: " in out.getvalue()
    call_command("cleanup_images", verbosity=0)
    assert list(Archive.objects.all()) == [young]
    assert len([name for name in stored() if name.startswith("archives/")]) == 1
    assert Image.objects.kept().count() == 2


def test_what_a_killed_packer_left_is_swept(put_file: Callable[..., Path], alice: User) -> None:
    archive = archives.ask(user=alice, ids=[make_image(alice).pk])
    housekeeping.pack()
    archive.refresh_from_db()
    put_file(f"archives/{alice.pk}/packing-x1.zip")
    found, missing = strays.compare(timezone.now() + dt.timedelta(hours=2))
    assert ([stray.name for stray in found], missing) == ([f"archives/{alice.pk}/packing-x1.zip"], [])


@pytest.mark.parametrize("who", ["bob", "stella"])
def test_other_peoples_zips_do_not_exist(
    alice: User, who: str, as_user: SignIn, request: pytest.FixtureRequest
) -> None:
    image = make_image(alice)
    album = albums.create(user=alice, name="Ink")
    archive = archives.ask(user=alice, ids=[image.pk])
    housekeeping.pack()
    stranger = as_user(request.getfixturevalue(who))
    assert stranger.get(URL).json() == {"items": []}
    for path in ("", "/file"):
        assert stranger.get(f"{URL}/{archive.pk}{path}").status_code == 404
    assert stranger.delete(f"{URL}/{archive.pk}").status_code == 404
    assert stranger.post(f"/gallery/zip/{archive.pk}/delete/").status_code == 404
    assert ask(stranger, album=str(album.pk)).status_code == 404
    assert ask(stranger, ids=[str(image.pk)]).status_code == 422
    assert Client().get(f"{URL}/{archive.pk}/file").status_code == 401


def test_the_page_lists_and_deletes(alice: User, signed_in: Client, stored: Callable[[], set[str]]) -> None:
    image = make_image(alice)
    response = signed_in.post("/gallery/zip/", {"ids": [image.pk]})
    assert response["Location"] == "/gallery/zip/"
    archive = Archive.objects.get()
    assert "Being packed" in signed_in.get("/gallery/zip/").content.decode()
    housekeeping.pack()
    assert f"{URL}/{archive.pk}/file" in signed_in.get("/gallery/zip/").content.decode()
    assert signed_in.get("/gallery/").context["archives_total"] == 1
    signed_in.post(f"/gallery/zip/{archive.pk}/delete/")
    assert not Archive.objects.exists()
    assert not [name for name in stored() if name.startswith("archives/")]
