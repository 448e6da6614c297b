"""A site that already has rows comes through the migrations with its queue in order."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from generation import scheduling
from generation.models import Generation, QueueClock, QueueShare

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def migrate(name: str) -> Any:
    """The models as they were at that migration."""
    executor = MigrationExecutor(connection)
    executor.migrate([("generation", name)])
    return MigrationExecutor(connection).loader.project_state([("generation", name)]).apps


@pytest.fixture
def before_whole_tags() -> Iterator[Any]:
    yield migrate("0002_quotas_and_ledger")
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes("generation")
    MigrationExecutor(connection).migrate(newest)


def test_tags_become_whole_and_keep_the_order(before_whole_tags: Any, alice: User) -> None:
    old = before_whole_tags
    batch = old.get_model("generation", "Batch").objects.create(id=uuid.uuid4(), user_id=alice.pk)
    fields = {"prompt": "", "width": 64, "height": 64, "steps": 4, "seed": 1, "cost": 64 * 64 * 4 / 1e6}
    rows = old.get_model("generation", "Generation").objects
    tags = (0.1, 0.1 + fields["cost"], 0.1 + fields["cost"] / 3)  # type: ignore[operator]
    made = [rows.create(batch=batch, user_id=alice.pk, start_tag=tag, **fields).pk for tag in tags]
    old.get_model("generation", "QueueShare").objects.create(user_id=alice.pk, finish_tag=0.2)
    old.get_model("generation", "QueueClock").objects.create(virtual_time=0.05)

    migrate("0003_whole_tags")

    line = list(Generation.objects.in_line().only("start_tag", "finish_tag"))  # the columns that there are then
    assert [row.pk for row in line] == [made[0], made[2], made[1]]
    assert [(row.start_tag, row.finish_tag) for row in line] == [
        (100_000, 116_384),
        (105_461, 121_845),
        (116_384, 132_768),
    ]
    share, clock = QueueShare.objects.get(), QueueClock.objects.get()
    assert (share.finish_tag, clock.virtual_time) == (200_000, 50_000)
    assert scheduling.take_tags(share, [0.001], 1.0) == [(200_000, 201_000)]
