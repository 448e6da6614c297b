"""Two changes of albums at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from gallery import albums
from tests.factories import make_image
from tests.site.running import until

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def test_put_into_one_and_taken_out_of_another_at_once_it_is_spared(alice: User) -> None:
    image = make_image(alice)
    ink, posters = (albums.create(user=alice, name=name) for name in ("Ink", "Posters"))
    albums.add(ink, [image.pk])

    def take_out() -> None:
        try:
            albums.remove(ink, [image.pk])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            albums.add(posters, [image.pk])
            taking = pool.submit(take_out)
            if connection.vendor == "postgresql":
                until(_somebody_waits, what="the other for the row")
        taking.result(timeout=20)
    image.refresh_from_db()
    assert image.in_album


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
