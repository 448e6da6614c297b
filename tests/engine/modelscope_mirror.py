"""A small ModelScope on this machine: the addresses of its HTTP interface that its client asks for to fetch a model.

As there, large files lie on another server, to which one is sent on and which knows ranges; small ones come whole from
the repository itself, whatever part of them is asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from . import serving
from .mirror import MODEL

_ABSENT = {"Code": 10010205001, "Message": "record not found", "RequestId": "1", "Success": False}


@dataclass
class ModelScope(serving.Hub):
    refuses: int = 0  # the status with which the list of files is denied
    answers: Any = None  # what comes instead of the list of files
    tells: bool = True  # whether the newer interface describes the model; else only the older one does

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that takes this for ModelScope."""
        return {"MODELSCOPE_ENDPOINT": self.address, "MODELSCOPE_API_TOKEN": "", "NO_PROXY": "127.0.0.1"}


@contextmanager
def serve(folder: Path) -> Iterator[ModelScope]:
    with serving.serve(ModelScope(folder), _Handler) as scope:
        yield scope


class _Handler(serving.Handler):
    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path, asked = unquote(address.path), dict(parse_qsl(address.query))
        if path == f"/api/v1/models/{MODEL}/repo/files" and asked == {"Revision": "master", "Recursive": "True"}:
            self._list()
        elif path == f"/openapi/v1/models/{MODEL}" and self.hub.tells:
            self.send_json({"success": True, "data": {"id": MODEL, "license": "apache-2.0", "private": False}})
        elif path == f"/api/v1/models/{MODEL}":
            self.send_json({"Code": 200, "Success": True, "Data": {"Name": "small", "License": "Apache License 2.0"}})
        elif path == f"/api/v1/models/{MODEL}/repo" and asked["Revision"] == "master":
            self._repository_file(asked["FilePath"])
        elif stored := re.fullmatch(r"/stored/(.+)", path):
            self.note(stored[1])
            self.send_file(stored[1])
        elif path == "/api/v1/repos/internalAccelerationInfo":
            self.send_json({"Data": {"InternalRegionQueryAddress": ""}})  # this machine is in none of its data centres
        else:
            self.send_json(_ABSENT, 404)

    def _list(self) -> None:
        if self.hub.refuses:
            self.send_json({"Code": 1, "Message": "denied", "Success": False}, self.hub.refuses, **{"Retry-After": "0"})
        elif self.hub.answers is not None:
            self.send_json(self.hub.answers)
        else:
            self.send_json({"Code": 200, "Success": True, "Data": {"Files": [*self._folders(), *self._files()]}})

    def _folders(self) -> list[dict[str, Any]]:
        paths = sorted(path.relative_to(self.hub.folder) for path in self.hub.folder.rglob("*") if path.is_dir())
        return [{"Name": path.name, "Path": path.as_posix(), "Type": "tree", "Size": 0, "Sha256": ""} for path in paths]

    def _files(self) -> list[dict[str, Any]]:
        return [
            {
                "Name": name.rsplit("/", 1)[-1],
                "Path": name,
                "Type": "blob",
                "Size": size,
                "Sha256": hashlib.sha256(content).hexdigest(),
                "IsLFS": name.endswith(".safetensors"),
            }
            for name, content, size in self.hub.files()
        ]

    def _repository_file(self, name: str) -> None:
        if not (self.hub.folder / name).is_file():
            self.send_json(_ABSENT, 404)
        elif name.endswith(".safetensors"):
            self.send_json({}, 302, Location=f"{self.hub.address}/stored/{quote(name)}?signature=1")
        else:
            self.note(name)
            self.send_file(name, ranges=False)
