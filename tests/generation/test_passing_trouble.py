"""A worker that cannot get its model: what passes by itself ends it otherwise than what somebody has to change."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from generation.models import Worker
from tests.engine.mirror import COMMIT, MODEL, SHARD, Mirror, publish, serve
from tests.generation.test_worker import worker
from tests.site.running import free_port

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process, as Linux can"),
]

VAE = "vae/diffusion_pytorch_model.safetensors"


def ending(hub: Mirror, folder: Path, *, largest_file: int = -1, **changes: str) -> tuple[int, str]:
    """The exit status of a worker whose model is on the hub, and its last line."""
    given = hub.environment | {"HF_HOME": str(folder / "hf"), "ZIMAGE_MODEL": MODEL} | changes
    with worker("w", **given) as process:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest_file, largest_file))
        _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    return process.returncode, said.strip().splitlines()[-1]


def test_what_passes_ends_it_with_its_own_status_and_sentence(as_alice: Client, tmp_path: Path) -> None:
    published = publish(Path(settings.STARTER_MODEL_DIR), tmp_path / "published")
    with serve(published) as hub:
        status, said = ending(hub, tmp_path, HF_ENDPOINT=f"http://127.0.0.1:{free_port()}")
        assert (status, "does not give it at the moment; check the network" in said) == (os.EX_TEMPFAIL, True), said
        (told,) = as_alice.get("/health/workers").json()["workers"]
        assert (told["state"], told["alive"]) == ("waiting", False)
        assert told["message"] in said
        assert Worker.objects.get(name="w").is_broken

        hub.announced = {SHARD.format(1): 10**15}
        status, said = ending(hub, tmp_path)
        assert (status, "left; free some or set HF_HOME" in said) == (os.EX_TEMPFAIL, True), said
        assert set(hub.fetched()) == {"model_index.json"}

        hub.announced = {}
        status, said = ending(hub, tmp_path, largest_file=(published / VAE).stat().st_size - 1)
        assert (status, "is full, and" in said) == (os.EX_TEMPFAIL, True), said

        # All files but one are here now, and nobody can be asked for it: that is no damaged model.
        refs = tmp_path / "hf" / "hub" / f"models--{MODEL.replace('/', '--')}" / "refs"
        refs.mkdir(exist_ok=True)
        (refs / "main").write_text(COMMIT)
        status, said = ending(hub, tmp_path, HF_ENDPOINT=f"http://127.0.0.1:{free_port()}")
        assert (status, "not wholly on this machine" in said) == (os.EX_TEMPFAIL, True), said

        status, said = ending(hub, tmp_path, ZIMAGE_MODEL="studio/no-such-model")
        assert (status, "There is no model studio/no-such-model" in said) == (os.EX_CONFIG, True), said
