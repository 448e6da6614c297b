"""The bar chart of the last days, and what it says to those who do not see it."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from zimageweb.chart import BarChart


def chart(*counts: int, limit: int | None = None) -> BarChart:
    return BarChart({dt.date(2026, 1, 1) + dt.timedelta(days=n): count for n, count in enumerate(counts)}, limit)


@pytest.mark.parametrize(("most", "top"), [(0, 2), (1, 2), (3, 4), (9, 10), (41, 42), (200, 200), (201, 220)])
def test_the_scale_holds_the_highest_bar_and_halves_evenly(most: int, top: int) -> None:
    assert chart(0, most).top == top
    assert [line.number for line in chart(most).lines] == [top, top // 2, 0]


def test_bars_are_as_high_as_their_numbers_and_stay_inside() -> None:
    drawn = chart(10, 5, 0)
    heights = [float(bar.height) for bar in drawn.bars]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)
    assert heights[2] == 0
    assert all(float(bar.x) + float(bar.width) <= drawn.width for bar in drawn.bars)
    assert all(0 <= float(bar.y) <= drawn.bottom for bar in drawn.bars)


def test_the_limit_is_drawn_only_where_it_fits() -> None:
    assert chart(10, limit=10).limit_line is not None
    assert chart(10, limit=200).limit_line is None
    assert chart(10).limit_line is None


@pytest.mark.django_db
def test_the_page_has_chart_words_and_table_and_no_inline_style(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/accounts/").content.decode()
    assert '<title id="history-title">Pictures a day, last 30 days</title>' in page
    assert re.search(r'<desc id="history-desc">0 in all', page)
    assert page.count('<th scope="row">') == 30
    assert "style=" not in page
