"""Alice is a member, Charlie is staff; and folders like those of an earlier run, in which a site starts quickly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from zimageweb import preparation


@pytest.fixture(scope="session")
def earlier_run(static_files: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the collected static files and nothing else: making them takes seconds."""
    folder = tmp_path_factory.mktemp("earlier-run")
    shutil.copytree(settings.STATIC_ROOT, folder / "static")
    (folder / "static.stamp").write_text(preparation.state_of_static_files())
    return folder


@pytest.fixture
def known_folder(earlier_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(earlier_run, tmp_path / "data"))


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="pw-of-alice")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_superuser("charlie", password="pw-of-charlie")
