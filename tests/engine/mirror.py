"""A small hub on this machine: the part of the Hugging Face hub's HTTP interface that fetching a model needs.

It serves one folder as one repository, with commits, checksums, ranges and redirect-free files as the hub does for
small ones. How lines misbehave, and what all such hubs share, is in `serving`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import torch
from diffusers import ZImagePipeline

from . import serving

MODEL = "studio/small-z-image"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHARD = "transformer/diffusion_pytorch_model-0000{}-of-00009.safetensors"


def publish(starter: Path, folder: Path) -> Path:
    """The starter model as Z-Image-Turbo is published: fp32, the transformer in several files, nothing of ours."""
    pipeline: Any = ZImagePipeline.from_pretrained(starter, dtype=torch.float32)
    pipeline.save_pretrained(folder)
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    pipeline.transformer.save_pretrained(folder / "transformer", max_shard_size="3MB")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A small model\n")
    (folder / "assets").mkdir()
    (folder / "assets" / "teaser.png").write_bytes(b"not needed to draw")
    (folder / "transformer" / "diffusion_pytorch_model.bin").write_bytes(b"the same weights, pickled")
    assert (folder / SHARD.format(9)).is_file()
    return folder


@dataclass
class Mirror(serving.Hub):
    model: str = MODEL
    gated: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that takes this for the hub."""
        return {"HF_ENDPOINT": self.address, "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "HF_TOKEN": ""}


@contextmanager
def serve(folder: Path, model: str = MODEL) -> Iterator[Mirror]:
    with serving.serve(Mirror(folder, model=model), _Handler) as mirror:
        yield mirror


class _Handler(serving.Handler):
    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        file = re.fullmatch(rf"/{self.hub.model}/resolve/(?:main|{COMMIT})/(.+)", path)
        self.note(file[1] if file else "")
        if re.fullmatch(rf"/api/models/{self.hub.model}(/revision/(main|{COMMIT}))?", path):
            self.send_json(self._description())
        elif re.fullmatch(rf"/api/models/{self.hub.model}/tree/{COMMIT}", path):
            self.send_json([{"type": "file", "path": one["rfilename"], **_oid(one)} for one in self._siblings()])
        elif file and (self.hub.folder / file[1]).is_file():
            if self.hub.gated:
                self._refuse(403, "GatedRepo")
            else:
                self._file(file[1], with_body=with_body)
        elif file:
            self._refuse(404, "EntryNotFound")
        else:
            self._refuse(404, "RepoNotFound")

    def _description(self) -> dict[str, Any]:
        return {
            "id": self.hub.model,
            "sha": COMMIT,
            "private": False,
            "gated": "manual" if self.hub.gated else False,
            "cardData": {"license": "apache-2.0"},
            "tags": ["license:apache-2.0"],
            "siblings": self._siblings(),
        }

    def _siblings(self) -> list[dict[str, Any]]:
        found = []
        for name, content, size in self.hub.files():
            entry: dict[str, Any] = {"rfilename": name, "size": size, "blobId": _git_id(content)}
            if name.endswith(".safetensors"):
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": size, "pointerSize": 134}
            found.append(entry)
        return found

    def _file(self, name: str, *, with_body: bool) -> None:
        content = (self.hub.folder / name).read_bytes()
        checksum = hashlib.sha256(content).hexdigest() if name.endswith(".safetensors") else _git_id(content)
        self.send_file(name, with_body=with_body, ETag=f'"{checksum}"', **{"X-Repo-Commit": COMMIT})

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _oid(sibling: dict[str, Any]) -> dict[str, Any]:
    lfs = {"lfs": sibling["lfs"] | {"oid": sibling["lfs"]["sha256"]}} if "lfs" in sibling else {}
    return {"oid": sibling["blobId"], "size": sibling["size"]} | lfs


def _git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
