"""Z-Image itself, not distilled: prepared under its id, it is offered and drawn with guidance and its own steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from gallery.models import Image
from tests.engine.mirror import publish, serve
from tests.generation.requesting import request
from tests.generation.test_worker import is_ready, worker
from tests.site.running import manage, until

Z_IMAGE = "Tongyi-MAI/Z-Image"


@pytest.mark.django_db(transaction=True)
def test_prepared_under_its_id_it_is_drawn_with_guidance(as_alice: Client, alice: User, tmp_path: Path) -> None:
    with serve(publish(Path(settings.STARTER_MODEL_DIR), tmp_path / "published"), Z_IMAGE) as hub:
        made = manage("prepare_model", Z_IMAGE, data_dir=tmp_path, HF_HOME=str(tmp_path / "hf"), **hub.environment)
        assert made.returncode == 0, made.stderr
    with worker("w", ZIMAGE_MODEL=str(tmp_path / "models" / "Tongyi-MAI--Z-Image")):
        until(lambda: is_ready("w"), seconds=60, what="the model")
        (model,) = as_alice.get("/api/v1/models").json()["models"]
        assert (model["default_steps"], model["default_guidance"]) == (50, 4.0)
        page = as_alice.get("/").content.decode()
        assert 'name="guidance"' in page
        assert 'name="negative_prompt"' in page
        side = model["min_side"]
        asked = request(as_alice, width=side, height=side, steps=2, negative_prompt="blurry, with many words to read")
        assert asked.status_code == 201, asked.content
        until(lambda: Image.objects.filter(owner=alice).exists(), seconds=60, what="the picture")
    image = Image.objects.get(owner=alice)
    assert (image.guidance, image.record["negative_prompt"]) == (4.0, "blurry, with many words to read")
