"""What the small hubs on this machine share: a folder whose files are served, whole and in parts; and bad lines."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, TypeVar

_HEADER = "bytes=0-100000"  # what is asked for to see how many numbers a file of weights holds


@dataclass
class Hub:
    """What it holds, how it misbehaves, and what it was asked for (method, path in the repository, range)."""

    folder: Path
    address: str = ""
    drops: dict[str, int] = field(default_factory=dict)  # path: so many times the line breaks in the middle of it
    stalls: set[str] = field(default_factory=set)  # paths in whose middle nothing more comes
    cut: set[str] = field(default_factory=set)  # paths that end in the middle, as if they were no longer
    swapped: set[str] = field(default_factory=set)  # paths whose content is another one of the same length
    announced: dict[str, int] = field(default_factory=dict)  # path: a size other than the true one
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def files(self) -> Iterator[tuple[str, bytes, int]]:
        """Path, content, and the size that is announced."""
        for path in sorted(one for one in self.folder.rglob("*") if one.is_file()):
            name, content = path.relative_to(self.folder).as_posix(), path.read_bytes()
            yield name, content, self.announced.get(name, len(content))

    def fetched(self) -> Counter[str]:
        """How often each file was asked for from its beginning, the look at its header aside."""
        return Counter(path for verb, path, part in self.asked if verb == "GET" and path and part in ("", _HEADER)) - (
            Counter(path for verb, path, part in self.asked if part == _HEADER)
        )

    def resumed(self) -> list[tuple[str, str]]:
        """Files that were gone on with, and from where."""
        return [(path, part) for _, path, part in self.asked if re.fullmatch(r"bytes=[1-9]\d*-", part)]


_Kind = TypeVar("_Kind", bound=Hub)


@contextmanager
def serve(hub: _Kind, handler: type[Handler]) -> Iterator[_Kind]:
    bound = type("Bound", (handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
        hub.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.go_on.set()
            server.shutdown()


class Handler(BaseHTTPRequestHandler):
    """Answers with files and JSON; which of them at which address is for those who derive from it."""

    protocol_version = "HTTP/1.1"
    hub: ClassVar[Any]

    def log_message(self, format: str, *args: Any) -> None: ...

    def note(self, name: str) -> None:
        with self.hub.lock:
            self.hub.asked.append((self.command, name, self.headers.get("Range", "")))

    def send_file(self, name: str, *, with_body: bool = True, ranges: bool = True, **headers: str) -> None:
        content = self._content(name)
        whole = len(content)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if ranges else None
        if asked:
            last = min(int(asked[2] or whole - 1), whole - 1)
            content = content[int(asked[1]) : last + 1]
            headers["Content-Range"] = f"bytes {asked[1]}-{last}/{whole}"
        if ranges:
            headers["Accept-Ranges"] = "bytes"
        self._begin(206 if asked else 200, len(content), headers)
        if with_body:
            self._send(name, content, is_header=bool(asked and asked[2]))

    def send_json(self, what: Any, status: int = 200, **headers: str) -> None:
        content = json.dumps(what).encode()
        self._begin(status, len(content), headers | {"Content-Type": "application/json"})
        self.wfile.write(content)

    def _content(self, name: str) -> bytes:
        content: bytes = (self.hub.folder / name).read_bytes()
        if name in self.hub.swapped:
            content = content[:-1] + bytes([content[-1] ^ 1])
        return content[: len(content) // 2] if name in self.hub.cut else content

    def _begin(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

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
