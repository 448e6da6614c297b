"""The admin's first page: figures for those who may see what they count, in both languages, on an empty site too."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone, translation

from generation import services
from generation.models import Failure, Generation, State, Worker
from generation.parameters import Parameters
from tests.factories import make_image
from tests.generation.conftest import MODEL
from zimageweb.templatetags.dashboard import duration, share

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client, charlie: User) -> Client:
    client.force_login(charlie)
    return client


@pytest.fixture
def colleague(client: Client, alice: User) -> Client:
    """Staff with no permission yet."""
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    return client


def may_view(user: User, *models: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=[f"view_{model}" for model in models]))


def ask(user: User, count: int = 1) -> list[Generation]:
    parameters = Parameters.checked(MODEL, count=count, prompt="a red fox", width=128, height=128, steps=4)
    return services.submit(user=user, parameters=parameters).generations


def draw(rows: list[Generation], *, failed: bool = False) -> None:
    state = {"state": State.FAILED, "failure": Failure.ENGINE} if failed else {"state": State.SUCCEEDED}
    now = timezone.now()
    began, asked = now - dt.timedelta(seconds=2), now - dt.timedelta(seconds=8)
    times = {"created_at": asked, "started_at": began, "finished_at": now}
    Generation.objects.filter(pk__in=[row.pk for row in rows]).update(worker="w", **state, **times)


def words(client: Client, path: str = "/admin/", language: str = "en") -> str:
    """What the page says, without its markup."""
    page = client.get(path, headers={"accept-language": language}).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_tiles_have_the_figures(admin: Client, alice: User, charlie: User) -> None:
    draw(ask(alice, 7))
    draw(ask(alice, 1), failed=True)
    ask(alice, 2)
    ask(charlie, 1)
    make_image(alice)
    said = words(admin)
    assert "Pictures today 7 usually up to 200 a person" in said
    assert "In line 3 2 people" in said
    assert "Median wait 6 s p95 6 s" in said
    assert "Failed 12.5 % 1 today" in said
    assert re.search(r"Storage [\d.]+\sKB [\d.]+\s[GT]B of [\d.]+\s[GT]B free", said)


def test_the_chart_has_words_and_a_table_and_no_inline_style(admin: Client, alice: User) -> None:
    draw(ask(alice, 5))
    page = admin.get("/admin/").content.decode()
    assert page.count('class="history__bar"') == 1
    assert "5 in all, 5 on the busiest day. The table below has every day.</desc>" in page
    assert page.count('<tr><th scope="row">') == 30
    assert "style=" not in page
    assert page.index("css/admin.") < page.index("css/dashboard.")


def test_an_empty_site_says_that_nothing_was_drawn(admin: Client) -> None:
    said = words(admin)
    assert "Pictures today 0" in said
    assert "In line 0 nobody waits" in said
    assert "Median wait – nothing drawn today Failed – nothing drawn today" in said
    assert "Nothing has been drawn in the last 30 days." in said
    assert "No worker has been heard of in the last day." in said


def test_without_a_limit_none_is_named(admin: Client, settings: object) -> None:
    settings.QUOTA_PICTURES_PER_DAY = None  # type: ignore[attr-defined]
    assert "usually up to" not in words(admin)


def test_workers_are_as_the_probe_has_them(admin: Client) -> None:
    now = timezone.now()
    card = {"device": "NVIDIA H100", "native_pixels": 1024 * 1024, "default_steps": 8}
    Worker.objects.create(name="gpu-0", state=Worker.State.DRAWING, card=card, seconds_per_cost=0.4)
    Worker.objects.create(name="gpu-1", state=Worker.State.LOADING, progress=40)
    Worker.objects.create(name="gpu-2", state=Worker.State.IDLE, seen_at=now - dt.timedelta(hours=2))
    Worker.objects.create(name="gpu-3", state=Worker.State.BROKEN, message="There is no model.")
    probe = admin.get("/health/workers").json()
    alive = [worker["name"] for worker in probe["workers"] if worker["alive"]]
    page, said = admin.get("/admin/").content.decode(), words(admin)
    assert f"Workers {probe['ready']} of {len(probe['workers'])} ready" in said
    assert re.findall(r'<li class="is-alive">\s*<p><a [^>]+>([\w-]+)</a>', page) == alive == ["gpu-0", "gpu-1"]
    assert "gpu-0 drawing NVIDIA H100 3.4 s a picture seen now" in said
    assert "gpu-1 loading the model 40 %" in said
    assert re.search(r"gpu-2 not answering seen 2\shours ago", said)
    assert "gpu-3 cannot start seen now There is no model." in said


def test_staff_see_figures_only_of_what_they_may_look_at(colleague: Client, alice: User) -> None:
    Worker.objects.create(name="gpu-0")
    nothing = words(colleague)
    assert "Administration" in nothing
    assert not re.search("Pictures today|In line|Median wait|Failed|Storage|Pictures a day|Workers|gpu-0", nothing)

    may_view(alice, "image")
    some = words(colleague)
    assert "Storage" in some
    assert not re.search("Pictures today|In line|Median wait|Failed|Pictures a day|gpu-0", some)

    may_view(alice, "generation")
    more = words(colleague)
    assert re.search("Pictures today.+In line.+Median wait.+Failed.+Storage.+Pictures a day", more)
    assert "gpu-0" not in more

    may_view(alice, "worker")
    assert "gpu-0" in words(colleague)


def test_the_page_of_one_application_has_no_figures(admin: Client) -> None:
    assert "Pictures today" not in words(admin, "/admin/generation/")


def test_it_speaks_chinese(admin: Client, alice: User) -> None:
    draw(ask(alice, 2))
    ask(alice, 1)
    Worker.objects.create(name="gpu-0", state=Worker.State.IDLE, seen_at=timezone.now() - dt.timedelta(hours=2))
    said = words(admin, language="zh-hans")
    assert "今日图片 2 每人一般最多 200 张" in said
    assert "排队中 1 1 人" in said
    assert "等待时间中位数 6 秒" in said
    assert "gpu-0 无响应" in said
    assert "任务队列" in said


def test_rqs_heading_reads_well(admin: Client) -> None:
    said = words(admin)
    assert "Queues" in said
    assert "RQ dashboard" in said
    assert "django_rq" not in said.lower()
    assert "django-rq" not in said.lower()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.44, "0.4 s"), (3.96, "4 s"), (9.96, "10 s"), (41.4, "41 s"), (59.7, "1 min"), (3_590, "1 h 0 min")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_share_that_is_not_nothing_does_not_read_as_nothing() -> None:
    assert [share(percent) for percent in (0, 0.01, 0.42, 100)] == ["0 %", "under 0.1 %", "0.4 %", "100 %"]
    with translation.override("zh-hans"):
        assert share(0.01) == "不到 0.1%"
