"""A publisher of one file, on this machine, who can be told to be unreliable."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest


class Publisher(BaseHTTPRequestHandler):
    """One file, at any path but `/none`, in versions that have entity tags."""

    content: ClassVar[bytes] = b""
    tag: ClassVar[str] = '"one"'
    short: ClassVar[int] = 0  # bytes that are promised but not sent
    takes_ranges: ClassVar[bool] = True
    says_length: ClassVar[bool] = True
    asked: ClassVar[list[tuple[str | None, str | None]]] = []  # Range and If-Range of each request

    def do_GET(self) -> None:
        wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
        self.asked.append((wanted, condition))
        if self.path.endswith("none"):
            self.send_error(404)
            return
        begun = 0
        if wanted and self.takes_ranges and condition in (None, self.tag):
            begun = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begun else 200)
        if self.tag:
            self.send_header("ETag", self.tag)
        if begun:
            self.send_header("Content-Range", f"bytes {begun}-{len(self.content) - 1}/{len(self.content)}")
        if self.says_length:
            self.send_header("Content-Length", str(len(self.content) - begun))
        self.end_headers()
        self.wfile.write(self.content[begun : len(self.content) - self.short])

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def publishing(monkeypatch: pytest.MonkeyPatch, content: bytes) -> Iterator[str]:
    """Publish a file; the address of its publisher."""
    for name in ("tag", "short", "takes_ranges", "says_length"):
        monkeypatch.setattr(Publisher, name, getattr(Publisher, name))
    monkeypatch.setattr(Publisher, "content", content)
    monkeypatch.setattr(Publisher, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
