"""Images over the JSON API: one's own and nobody else's, whole pages, and plain answers to bad requests."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from gallery.models import Image
from gallery.schemas import as_json
from tests.factories import make_image
from zimageweb.models import ApiToken

SignIn = Callable[[User], Client]
URL = "/api/v1/images"


@pytest.fixture
def signed_in(alice: User, as_user: SignIn) -> Client:
    return as_user(alice)


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(f"{URL}/{path}", json.dumps(body), content_type="application/json")


def ids(response: Any) -> list[str]:
    return [image["id"] for image in response.json()["items"]]


# -- one image --------------------------------------------------------------------------------------------------------


def test_an_image_says_everything_about_itself(alice: User, signed_in: Client, settings: Settings) -> None:
    settings.RETENTION_DAYS = 7
    image = make_image(alice, prompt="🦊 狐狸", style="ink", record={"secret": 1})
    told = signed_in.get(f"{URL}/{image.pk}").json()
    assert told == as_json(Image.objects.get())
    assert told == {
        "id": str(image.pk),
        "prompt": "🦊 狐狸",
        "style": "ink",
        "width": 96,
        "height": 64,
        "steps": 8,
        "guidance": 0.0,
        "seed": 42,
        "model": "Starter",
        "seconds": 1.5,
        "bytes": image.bytes,
        "filename": image.filename,
        "prompt_cut": None,
        "favourite": False,
        "created_at": image.created_at.isoformat(),
        "deleted_at": None,
        "expires_at": (image.created_at + dt.timedelta(days=7)).isoformat(),
        "url": f"/gallery/{image.pk}/",
        "file": f"{URL}/{image.pk}/file",
        "thumbnail": f"{URL}/{image.pk}/thumbnail?size=512",
        "thumbnails": {str(side): f"{URL}/{image.pk}/thumbnail?size={side}" for side in (256, 512, 1024)},
    }
    json.dumps(as_json(image))  # it travels in events, too


def test_marking_a_favourite(alice: User, signed_in: Client) -> None:
    image = make_image(alice)
    response = signed_in.patch(f"{URL}/{image.pk}", json.dumps({"favourite": True}), content_type="application/json")
    assert response.status_code == 200
    assert response.json()["favourite"] is True
    assert response.json()["expires_at"] is None
    assert Image.objects.get().favourite


def test_deleting_one_moves_it_to_the_bin_and_may_be_repeated(alice: User, signed_in: Client) -> None:
    image = make_image(alice)
    for _attempt in range(2):
        response = signed_in.delete(f"{URL}/{image.pk}")
        assert (response.status_code, response.content) == (204, b"")
    told = signed_in.get(f"{URL}/{image.pk}").json()
    assert told["deleted_at"] is not None
    assert told["expires_at"] is None
    assert signed_in.get(told["file"]).status_code == 200  # the bin's page shows it


@pytest.mark.parametrize("who", ["bob", "stella"])
def test_other_peoples_images_do_not_exist(
    alice: User, who: str, as_user: SignIn, request: pytest.FixtureRequest
) -> None:
    image = make_image(alice)
    stranger = as_user(request.getfixturevalue(who))
    change = {"data": json.dumps({"favourite": True}), "content_type": "application/json"}
    for response in (
        stranger.get(f"{URL}/{image.pk}"),
        stranger.delete(f"{URL}/{image.pk}"),
        stranger.patch(f"{URL}/{image.pk}", **change),
    ):
        assert response.status_code == 404
        assert response.json()["code"] == "not_found"
    assert stranger.get(URL).json() == {"items": [], "next": None, "total": 0}
    assert post(stranger, "delete", {"ids": [str(image.pk)]}).json() == {"deleted": [], "count": 0}
    assert post(stranger, "delete", {"all": True}).json() == {"deleted": [], "count": 0}
    image.refresh_from_db()
    assert not image.in_bin
    assert not image.favourite


def test_signing_in_is_required(alice: User, client: Client) -> None:
    image = make_image(alice)
    for path in ("", f"/{image.pk}", f"/{image.pk}/file", f"/{image.pk}/thumbnail"):
        assert client.get(URL + path).status_code == 401


def test_a_bearer_token_acts_as_its_owner(alice: User, bob: User, client: Client) -> None:
    image = make_image(alice)
    hers, his = ({"Authorization": f"Bearer {ApiToken.issue(user)}"} for user in (alice, bob))
    assert client.get(f"{URL}/{image.pk}", headers=hers).status_code == 200
    assert client.get(f"{URL}/{image.pk}/file", headers=hers).status_code == 200
    assert client.get(f"{URL}/{image.pk}", headers=his).status_code == 404
    assert client.get(f"{URL}/{image.pk}/file", headers=his).status_code == 404
    assert Client(enforce_csrf_checks=True).delete(f"{URL}/{image.pk}", headers=hers).status_code == 204


def test_a_session_needs_a_csrf_token(alice: User) -> None:
    image = make_image(alice)
    signed_in = Client(enforce_csrf_checks=True)
    signed_in.force_login(alice)
    assert signed_in.delete(f"{URL}/{image.pk}").status_code == 403
    assert not Image.objects.get().in_bin


# -- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.database
def test_pages_hold_every_image_once_also_where_moments_are_equal(alice: User, signed_in: Client) -> None:
    moment = timezone.now() - dt.timedelta(hours=1)
    for _ in range(7):
        make_image(alice, width=8, height=8)
    Image.objects.update(created_at=moment)
    make_image(alice), make_image(alice, age=dt.timedelta(days=1))
    expected = [str(pk) for pk in Image.objects.values_list("pk", flat=True)]
    seen, cursor, pages = [], "", 0
    while True:
        page = signed_in.get(URL, {"limit": 2, "cursor": cursor})
        assert page.json()["total"] == 9 + pages
        seen, cursor, pages = seen + ids(page), page.json()["next"], pages + 1
        if cursor is None:
            break
        make_image(alice, age=dt.timedelta(0))  # a picture that arrives meanwhile moves no page
    assert seen == expected
    assert pages == 5


@pytest.mark.database
def test_lists_can_be_searched_and_narrowed(alice: User, signed_in: Client) -> None:
    fox, liked = make_image(alice, prompt="a red fox"), make_image(alice, prompt="a wolf", favourite=True)
    binned = make_image(alice, prompt="a fox", in_bin_for=dt.timedelta(hours=1))
    binned_later = make_image(alice, age=dt.timedelta(days=2), in_bin_for=dt.timedelta(minutes=1))
    assert ids(signed_in.get(URL)) == [str(liked.pk), str(fox.pk)]
    assert ids(signed_in.get(URL, {"q": "FOX"})) == [str(fox.pk)]
    assert ids(signed_in.get(URL, {"favourite": "true"})) == [str(liked.pk)]
    assert ids(signed_in.get(URL, {"q": "fox", "favourite": "true"})) == []
    assert ids(signed_in.get(URL, {"bin": "true"})) == [str(binned_later.pk), str(binned.pk)]
    first = signed_in.get(URL, {"bin": "true", "limit": 1}).json()
    assert ids(signed_in.get(URL, {"bin": "true", "cursor": first["next"]})) == [str(binned.pk)]


@pytest.mark.database
def test_a_nul_byte_in_the_search_is_harmless(alice: User, signed_in: Client) -> None:
    image = make_image(alice, prompt="a red fox")
    assert ids(signed_in.get(URL, {"q": "red\0fox"})) == [str(image.pk)]


def test_a_list_takes_the_same_few_queries_however_long(
    alice: User, signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(6):
        make_image(alice, width=8, height=8)
    with django_assert_num_queries(6):  # session, person, preferences, page, total, days to keep
        assert len(ids(signed_in.get(URL))) == 6


# -- bulk -------------------------------------------------------------------------------------------------------------


@pytest.mark.database
def test_deleting_and_restoring_many_says_which_moved(alice: User, bob: User, signed_in: Client) -> None:
    one, two, his = make_image(alice), make_image(alice), make_image(bob)
    asked = {"ids": [str(one.pk), str(two.pk), str(his.pk), str(uuid.uuid4())]}
    told = post(signed_in, "delete", asked).json()
    assert told["count"] == 2
    assert set(told["deleted"]) == {str(one.pk), str(two.pk)}
    assert post(signed_in, "delete", asked).json() == {"deleted": [], "count": 0}
    assert signed_in.get(URL).json()["total"] == 0
    told = post(signed_in, "restore", {"ids": [str(one.pk), str(his.pk)]}).json()
    assert told == {"restored": [str(one.pk)], "count": 1}
    assert ids(signed_in.get(URL)) == [str(one.pk)]


def test_deleting_all(alice: User, signed_in: Client) -> None:
    make_image(alice), make_image(alice, favourite=True)
    assert post(signed_in, "delete", {"all": True}).json()["count"] == 2
    assert signed_in.get(URL, {"bin": "true"}).json()["total"] == 2


# -- bad requests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"cursor": "garbage"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": "MjAyNi0xMS0yMg"}, "cursor"),  # a date and no id
        ({"cursor": "\0"}, "cursor"),
        ({"cursor": "A" * 5000}, "cursor"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "9" * 70}, "limit"),
        ({"q": "x" * 201}, "q"),
        ({"favourite": "perhaps"}, "favourite"),
    ],
)
def test_a_bad_query_names_its_field(signed_in: Client, query: dict[str, str], field: str) -> None:
    response = signed_in.get(URL, query)
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("delete", {}),
        ("delete", {"all": False}),
        ("delete", {"all": True, "ids": []}),
        ("delete", {"ids": "all"}),
        ("delete", {"ids": ["9" * 70]}),
        ("delete", {"ids": [7]}),
        ("delete", {"ids": [str(uuid.uuid4())] * 1001}),
        ("delete", []),
        ("delete", None),
        ("restore", {}),
        ("restore", {"ids": [str(uuid.uuid4())] * 1001}),
    ],
)
def test_a_bad_body_is_refused_and_moves_nothing(alice: User, signed_in: Client, path: str, body: Any) -> None:
    make_image(alice)
    response = post(signed_in, path, body)
    assert response.status_code == 422, response.content
    assert response.json()["errors"]
    assert Image.objects.kept().count() == 1


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"ids=1"])
def test_a_body_that_is_no_json_is_refused(signed_in: Client, body: bytes) -> None:
    response = signed_in.post(f"{URL}/delete", body, content_type="application/json")
    assert response.status_code in {400, 422}
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("size", ["7", "0", "-512", "513", "9" * 70, "large", ""])
def test_a_thumbnail_of_another_size_is_refused_with_the_choices(alice: User, signed_in: Client, size: str) -> None:
    response = signed_in.get(f"{URL}/{make_image(alice).pk}/thumbnail", {"size": size})
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["field"] == "size"
    if size.isdigit() and len(size) < 10:
        assert "256, 512 or 1024" in error["message"]


@pytest.mark.parametrize("nonsense", ["9" * 70, "x", "..", "%00", "0190a1b2-0000-4000-8000-00000000000"])
@pytest.mark.parametrize("what", ["", "/file", "/thumbnail"])
def test_an_id_that_is_none_is_not_found(signed_in: Client, nonsense: str, what: str) -> None:
    response = signed_in.get(f"{URL}/{nonsense}{what}")
    assert response.status_code in {404, 422}


@pytest.mark.parametrize("value", ["perhaps", None, 7, [], {}])
def test_a_favourite_is_true_or_false(alice: User, signed_in: Client, value: Any) -> None:
    address = f"{URL}/{make_image(alice).pk}"
    response = signed_in.patch(address, json.dumps({"favourite": value}), content_type="application/json")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["favourite"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_cursor_from_the_edge_of_time_is_refused(signed_in: Client, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(f"{moment} {'0' * 32}".encode()).decode()
    assert signed_in.get(URL, {"cursor": cursor}).status_code == 422
    assert signed_in.get("/gallery/", {"cursor": cursor}).status_code == 200
