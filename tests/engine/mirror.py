"""A small hub on this machine: the part of the Hugging Face hub's HTTP interface that fetching a model needs.

It serves one folder as one repository, with commits, checksums, ranges and redirect-free files as the hub does for
small ones, and can be told to misbehave as lines and hubs do.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import torch
from diffusers import ZImagePipeline

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
class Mirror:
    """What the hub holds, how it misbehaves, and what it was asked for (method, path in the repository, range)."""

    folder: Path
    address: str = ""
    model: str = MODEL
    gated: bool = False
    drops: dict[str, int] = field(default_factory=dict)  # path: so many times the line breaks in the middle of it
    stalls: set[str] = field(default_factory=set)  # paths in whose middle nothing more comes
    cut: set[str] = field(default_factory=set)  # paths that end in the middle, as if they were no longer
    swapped: set[str] = field(default_factory=set)  # paths whose content is another one of the same length
    announced: dict[str, int] = field(default_factory=dict)  # path: a size other than the true one
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that takes this for the hub."""
        return {"HF_ENDPOINT": self.address, "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "HF_TOKEN": ""}

    def fetched(self) -> Counter[str]:
        """How often each file was asked for from its beginning, the look at its header aside."""
        header = "bytes=0-100000"
        return Counter(path for verb, path, part in self.asked if verb == "GET" and path and part in ("", header)) - (
            Counter(path for verb, path, part in self.asked if part == header)
        )

    def resumed(self) -> list[tuple[str, str]]:
        """Files that were gone on with, and from where."""
        return [(path, part) for _, path, part in self.asked if re.fullmatch(r"bytes=[1-9]\d*-", part)]


@contextmanager
def serve(folder: Path, model: str = MODEL) -> Iterator[Mirror]:
    mirror = Mirror(folder, model=model)

    class Handler(_Handler):
        hub = mirror

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        mirror.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield mirror
        finally:
            mirror.go_on.set()
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: ClassVar[Mirror]

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        file = re.fullmatch(rf"/{self.hub.model}/resolve/(?:main|{COMMIT})/(.+)", path)
        with self.hub.lock:
            self.hub.asked.append((self.command, file[1] if file else "", self.headers.get("Range", "")))
        if re.fullmatch(rf"/api/models/{self.hub.model}(/revision/(main|{COMMIT}))?", path):
            self._json(self._description())
        elif re.fullmatch(rf"/api/models/{self.hub.model}/tree/{COMMIT}", path):
            self._json([{"type": "file", "path": one["rfilename"], **_oid(one)} for one in self._siblings()])
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
        for path in sorted(one for one in self.hub.folder.rglob("*") if one.is_file()):
            name, content = path.relative_to(self.hub.folder).as_posix(), path.read_bytes()
            size = self.hub.announced.get(name, len(content))
            entry: dict[str, Any] = {"rfilename": name, "size": size, "blobId": _git_id(content)}
            if name.endswith(".safetensors"):
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": size, "pointerSize": 134}
            found.append(entry)
        return found

    def _file(self, name: str, *, with_body: bool) -> None:
        content = (self.hub.folder / name).read_bytes()
        checksum = hashlib.sha256(content).hexdigest() if name.endswith(".safetensors") else _git_id(content)
        if name in self.hub.swapped:
            content = content[:-1] + bytes([content[-1] ^ 1])
        if name in self.hub.cut:
            content = content[: len(content) // 2]
        whole = len(content)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked:
            last = min(int(asked[2] or whole - 1), whole - 1)
            content = content[int(asked[1]) : last + 1]
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {asked[1]}-{last}/{whole}")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{checksum}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self._send(name, content, is_header=bool(asked and asked[2]))

    def _send(self, name: str, content: bytes, *, is_header: bool) -> None:
        half = len(content) // 2
        if is_header:
            self.wfile.write(content)
        elif self.hub.drops.get(name, 0) > 0:
            self.hub.drops[name] -= 1
            self.wfile.write(content[:half])
            self.close_connection = True
        elif name in self.hub.stalls:
            self.wfile.write(content[:half])
            self.wfile.flush()
            self.hub.stalled.set()
            self.hub.go_on.wait()
            self.close_connection = True
        else:
            self.wfile.write(content)

    def _json(self, what: Any) -> None:
        content = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

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
