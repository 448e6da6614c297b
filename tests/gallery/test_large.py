"""What keeps a gallery of thousands light: which pictures come first, and what further pages leave out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gallery import views
from tests.factories import make_image

SignIn = Callable[[User], Client]


@pytest.fixture
def pages(alice: User, as_user: SignIn, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The first page of a gallery, and the second as a script fetches it."""
    monkeypatch.setattr(views, "PAGE_SIZE", 10)
    for _ in range(20):
        make_image(alice, width=8, height=8)
    first = as_user(alice).get("/gallery/")
    second = as_user(alice).get(first.context["next_url"], headers={"HX-Request": "true"})
    return first.content.decode(), second.content.decode()


def test_the_first_pictures_are_fetched_before_all_others(pages: tuple[str, str]) -> None:
    first, second = pages
    assert [page.count('fetchpriority="high"') for page in pages] == [8, 0]
    assert [page.count('loading="lazy"') for page in pages] == [2, 10]
    assert first.index('loading="lazy"') > first.rindex('fetchpriority="high"')
    assert "<html" not in second


def test_only_pages_that_may_lack_scripts_bring_submit_buttons(pages: tuple[str, str]) -> None:
    first, second = pages
    assert first.count('formaction="/gallery/') >= 10
    assert second.count("cell__fav") == 10
    assert second.count('cell__fav" type="button"') == 10
    assert "formaction" not in second
