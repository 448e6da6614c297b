"""Albums: made, named, filled and deleted through forms and the API; their pictures are spared by retention."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from gallery import albums, services, views
from gallery.models import Album, Image
from tests.factories import make_image

SignIn = Callable[[User], Client]
URL = "/api/v1/albums"

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def signed_in(alice: User, as_user: SignIn) -> Client:
    return as_user(alice)


def album_of(owner: User, name: str, *images: Image) -> Album:
    album = albums.create(user=owner, name=name)
    albums.add(album, [image.pk for image in images])
    return album


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return client.generic(method, f"{URL}{path}", json.dumps(body), content_type="application/json")


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


# -- the verbs --------------------------------------------------------------------------------------------------------


def test_a_picture_may_be_in_several_albums_and_is_spared_while_it_is_in_one(alice: User, settings: Settings) -> None:
    settings.RETENTION_DAYS = 7
    old, other = make_image(alice, age=dt.timedelta(days=8)), make_image(alice, age=dt.timedelta(days=8))
    ink, posters = album_of(alice, "Ink", old), album_of(alice, "Posters", old)
    old.refresh_from_db()
    assert old.expires_at is None
    call_command("cleanup_images", verbosity=0)
    assert set(Image.objects.kept()) == {old}
    assert set(Image.objects.in_bin()) == {other}
    albums.remove(ink, [old.pk])
    call_command("cleanup_images", verbosity=0)
    assert set(Image.objects.kept()) == {old}
    albums.delete(posters, user=alice)
    call_command("cleanup_images", verbosity=0)
    assert not Image.objects.kept().exists()


def test_a_full_disk_takes_no_picture_in_an_album(alice: User) -> None:
    filed, free = make_image(alice), make_image(alice)
    album_of(alice, "Ink", filed)
    call_command("cleanup_images", "--free-to", "0", verbosity=0)
    assert list(Image.objects.all()) == [filed]
    assert not Image.objects.filter(pk=free.pk).exists()


def test_an_album_shows_the_chosen_cover_or_the_newest_picture(alice: User) -> None:
    newest, older = make_image(alice), make_image(alice, age=dt.timedelta(days=1))
    album = album_of(alice, "Ink", newest, older)

    def told() -> tuple[int, uuid.UUID | None]:
        summed = Album.objects.summed_up().get()
        return summed.number, summed.shown_cover

    assert told() == (2, newest.pk)
    albums.set_cover(album, older)
    assert told() == (2, older.pk)
    services.move_to_bin(user=alice, ids=[older.pk])
    assert told() == (1, newest.pk)
    services.restore(user=alice, ids=[older.pk])
    assert told() == (2, older.pk)  # what comes out of the bin is where it was
    albums.remove(album, [older.pk])
    assert told() == (1, newest.pk)
    albums.remove(album, [newest.pk])
    assert told() == (0, None)


def test_a_picture_deleted_for_good_leaves_its_albums(alice: User) -> None:
    image = make_image(alice)
    album = album_of(alice, "Ink", image)
    albums.set_cover(album, image)
    services.purge(Image.objects.all(), [image.pk])
    album.refresh_from_db()
    assert (album.cover, album.images.count()) == (None, 0)


# -- pages and forms --------------------------------------------------------------------------------------------------


def test_the_gallery_shows_one_album_with_its_search(alice: User, signed_in: Client) -> None:
    fox, wolf, _outside = (make_image(alice, prompt=prompt) for prompt in ("a fox", "a wolf", "a fox too"))
    album = album_of(alice, "Foxes & <wolves>", fox, wolf)
    told = signed_in.get("/gallery/", {"album": album.pk})
    assert told.context["images"] == [wolf, fox]
    assert (told.context["found"], told.context["total"]) == (2, 3)
    assert "Foxes &amp; &lt;wolves&gt;" in told.content.decode()
    told = signed_in.get("/gallery/", {"album": album.pk, "q": "fox"})
    assert told.context["images"] == [fox]
    assert f"{fox.get_absolute_url()}?album={album.pk}&amp;q=fox" in told.content.decode()
    told = signed_in.get(fox.get_absolute_url(), {"album": album.pk})
    assert (told.context["total"], told.context["previous"]) == (2, wolf)


def test_pages_of_an_album_follow_each_other(alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gallery.views.PAGE_SIZE", 2)
    images = [make_image(alice, width=8, height=8, age=dt.timedelta(minutes=n)) for n in range(1, 6)]
    album = album_of(alice, "Ink", *images[::2])
    first = signed_in.get("/gallery/", {"album": album.pk}).context
    second = signed_in.get(first["next_url"], headers={"HX-Request": "true"}).context
    assert [*first["images"], *second["images"]] == images[::2]
    assert second["next_url"] == ""


def test_forms_make_fill_rename_and_delete_an_album(alice: User, bob: User, signed_in: Client) -> None:
    one, two, his = make_image(alice), make_image(alice), make_image(bob)
    response = signed_in.post("/gallery/albums/", {"name": "  Ink   wash "})
    album = Album.objects.get()
    assert (response["Location"], album.name) == (f"/gallery/?album={album.pk}", "Ink wash")
    address = f"/gallery/albums/{album.pk}"
    response = signed_in.post(f"{address}/add/", {"ids": [one.pk, two.pk, his.pk], "next": "/gallery/?q=x"})
    assert response["Location"] == "/gallery/?q=x"
    assert said(response)[-1] == "2 pictures added to “Ink wash”."
    signed_in.post(f"{address}/remove/", {"ids": [one.pk]})
    assert list(album.images.all()) == [two]
    signed_in.post(f"{address}/rename/", {"name": "Brush"})
    signed_in.post(f"{address}/cover/", {"ids": [two.pk]})
    album.refresh_from_db()
    assert (album.name, album.cover) == ("Brush", two)
    response = signed_in.post(f"{address}/delete/")
    assert response["Location"] == "/gallery/"
    assert not Album.objects.exists()
    assert Image.objects.kept().count() == 3


def test_an_album_goes_with_its_pictures_where_that_is_asked_for(alice: User, signed_in: Client) -> None:
    inside, outside = make_image(alice), make_image(alice)
    album = album_of(alice, "Ink", inside)
    signed_in.post(f"/gallery/albums/{album.pk}/delete/", {"pictures": "1"})
    assert (set(Image.objects.in_bin()), set(Image.objects.kept())) == ({inside}, {outside})
    assert not Image.objects.filter(in_album=True).exists()


def test_ticked_pictures_found_an_album_without_a_name(alice: User, signed_in: Client) -> None:
    image = make_image(alice)
    for name in ("New album", "New album 2"):
        response = signed_in.post("/gallery/albums/new/", {"ids": [image.pk]})
        album = Album.objects.get(name=name)
        assert response["Location"] == album.get_absolute_url()
        assert list(album.images.all()) == [image]


def test_the_viewer_knows_the_albums_of_a_picture(alice: User, signed_in: Client) -> None:
    image = make_image(alice)
    ink, posters = album_of(alice, "Ink", image), album_of(alice, "Posters")
    page = signed_in.get(image.get_absolute_url()).content.decode()
    assert f'formaction="/gallery/albums/{ink.pk}/remove/"' in page
    assert f'formaction="/gallery/albums/{posters.pk}/add/"' in page


def test_a_gallery_with_albums_takes_few_queries(
    alice: User,
    signed_in: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 4)  # within a day, whose pictures are counted
    images = [make_image(alice, width=8, height=8, prompt="a fox") for _ in range(6)]
    for number in range(8):
        album = album_of(alice, f"Album {number}", *images)
    with django_assert_max_num_queries(12):
        assert len(signed_in.get("/gallery/", {"album": album.pk, "q": "fox"}).context["images"]) == 4


# -- the API ----------------------------------------------------------------------------------------------------------


def test_the_api_makes_fills_changes_and_deletes(alice: User, bob: User, signed_in: Client) -> None:
    one, two, his = make_image(alice), make_image(alice), make_image(bob)
    response = send(signed_in, "POST", "", {"name": "Ink", "ids": [str(one.pk), str(his.pk)]})
    album = Album.objects.get()
    told = {
        "id": str(album.pk),
        "name": "Ink",
        "count": 1,
        "cover": str(one.pk),
        "thumbnail": f"/api/v1/images/{one.pk}/thumbnail?size=256",
        "created_at": album.created_at.isoformat(),
        "url": f"/gallery/?album={album.pk}",
    }
    assert (response.status_code, response.json()) == (201, told)
    assert signed_in.get(URL).json() == {"items": [told]}
    assert signed_in.get(f"{URL}/{album.pk}").json() == told
    assert signed_in.get(URL, {"image": one.pk}).json()["items"] == [told]
    assert signed_in.get(URL, {"image": two.pk}).json()["items"] == []
    added = send(signed_in, "POST", f"/{album.pk}/images", {"ids": [str(one.pk), str(two.pk)]}).json()
    assert added == {"added": [str(two.pk)], "count": 1}
    found = signed_in.get("/api/v1/images", {"album": album.pk}).json()
    assert (found["total"], [image["id"] for image in found["items"]]) == (2, [str(two.pk), str(one.pk)])
    assert found["items"][0]["expires_at"] is None
    changed = send(signed_in, "PATCH", f"/{album.pk}", {"name": "Brush", "cover": str(one.pk)}).json()
    assert (changed["name"], changed["cover"], changed["count"]) == ("Brush", str(one.pk), 2)
    assert send(signed_in, "PATCH", f"/{album.pk}", {"cover": None}).json()["cover"] == str(two.pk)
    removed = send(signed_in, "POST", f"/{album.pk}/images/remove", {"ids": [str(two.pk), str(his.pk)]}).json()
    assert removed == {"removed": [str(two.pk)], "count": 1}
    response = send(signed_in, "DELETE", f"/{album.pk}?pictures=true")
    assert response.json() == {"deleted": [str(one.pk)], "count": 1}
    assert set(Image.objects.kept()) == {two, his}


@pytest.mark.parametrize(
    ("name", "message", "limit"),
    [
        ("  \0 ", "Give the album a name.", None),
        ("x" * 61, "The name has 61 characters; the limit is 60.", 60),
        ("iNK", "You already have an album called “iNK”.", None),
    ],
)
def test_a_name_that_does_not_do_is_refused(
    alice: User, signed_in: Client, name: str, message: str, limit: int | None
) -> None:
    album_of(alice, "Ink")
    other = album_of(alice, "Other")
    for response in (
        send(signed_in, "POST", "", {"name": name}),
        send(signed_in, "PATCH", f"/{other.pk}", {"name": name}),
    ):
        assert response.status_code == 422
        assert response["Content-Type"] == "application/problem+json"
        expected = {"field": "name", "message": message} | ({"limit": limit} if limit else {})
        assert response.json()["errors"] == [expected]
    response = signed_in.post("/gallery/albums/", {"name": name})
    assert said(response) == [message]
    assert sorted(Album.objects.values_list("name", flat=True)) == ["Ink", "Other"]


def test_there_is_a_limit_to_albums(alice: User, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(albums, "MOST_ALBUMS", 2)
    album_of(alice, "One"), album_of(alice, "Two")
    (error,) = send(signed_in, "POST", "", {"name": "Three"}).json()["errors"]
    assert error["message"] == "You have 2 albums, and more are not possible. Delete one first."
    assert error["limit"] == 2


def test_a_cover_must_be_in_the_album(alice: User, signed_in: Client) -> None:
    album, outside = album_of(alice, "Ink"), make_image(alice)
    response = send(signed_in, "PATCH", f"/{album.pk}", {"cover": str(outside.pk)})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "cover")
    assert signed_in.post(f"/gallery/albums/{album.pk}/cover/", {"ids": [outside.pk]}).status_code == 404


# -- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["bob", "stella"])
def test_other_peoples_albums_do_not_exist(
    alice: User, who: str, as_user: SignIn, request: pytest.FixtureRequest
) -> None:
    image = make_image(alice)
    album = album_of(alice, "Ink", image)
    person = request.getfixturevalue(who)
    own = make_image(person)
    stranger = as_user(person)
    ids = {"ids": [str(own.pk), str(image.pk)]}
    for response in (
        send(stranger, "GET", f"/{album.pk}"),
        send(stranger, "PATCH", f"/{album.pk}", {"name": "Mine"}),
        send(stranger, "DELETE", f"/{album.pk}?pictures=true"),
        send(stranger, "POST", f"/{album.pk}/images", ids),
        send(stranger, "POST", f"/{album.pk}/images/remove", ids),
        stranger.get("/api/v1/images", {"album": album.pk}),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    for verb in ("add", "remove", "rename", "cover", "delete"):
        assert stranger.post(f"/gallery/albums/{album.pk}/{verb}/", ids | {"name": "Mine"}).status_code == 404
    for wanted in (album.pk, uuid.uuid4(), "nonsense"):
        assert stranger.get("/gallery/", {"album": wanted}).status_code == 404
    assert stranger.get(URL).json() == {"items": []}
    assert stranger.get(URL, {"image": image.pk}).json() == {"items": []}
    assert albums.add(album_of(person, "Theirs"), [image.pk]) == []
    album.refresh_from_db()
    assert (album.name, list(album.images.all())) == ("Ink", [image])
