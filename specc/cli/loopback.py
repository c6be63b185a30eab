"""A page on this machine's loopback address: for browsers of this machine alone, and for reading only.

Any page that a browser shows may send requests to 127.0.0.1, and a name that its owner points there reads the answers,
too (DNS rebinding). So only the server's own names are answered.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, NamedTuple

import typer

from specc import __version__
from specc.errors import SpeccError

ADDRESS = "127.0.0.1"
SECONDS = 30  # that a request may take to arrive
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class Reply(NamedTuple):
    """What is sent back. kind: its media type. policy: its Content-Security-Policy. is_kept: browsers may keep it, and
    ask whether it is still the same."""

    kind: str
    body: bytes
    policy: str
    is_kept: bool = False


Answer = Callable[[str], Reply | None]  # from a path without its query; None where there is no such page


class Loopback(ThreadingHTTPServer):
    """A server of the pages that `answer` gives. port: 0 for any free one.

    Raises SpeccError E533 where the port is not free.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would take a port from another program

    def __init__(self, port: int, answer: Answer) -> None:
        self.answer = answer
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            message = f"port {port} cannot be used: {error.strerror or error}"
            raise SpeccError("E533", message, help="choose another --port, or leave it out to get a free one") from None

    def server_bind(self) -> None:
        """Bind without looking up the name of this machine, which may ask the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that leaves in the middle of an answer is nobody's error."""

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}/"

    @property
    def hosts(self) -> set[str]:
        """What a browser calls this server."""
        names = (ADDRESS, "localhost")
        return {f"{name}:{self.server_port}" for name in names} | (set(names) if self.server_port == 80 else set())


OPEN = typer.Option("--open", help="Open the page in the browser.")


def port_option(usual: int) -> Any:
    """The option `--port` of a command that serves a page; `usual`: the port where that is looked for first."""
    free = f"{usual}, or a free one"
    return typer.Option(help="Serve the page on this port.", min=1, max=65535, metavar="N", show_default=free)


def loopback(port: int | None, usual: int, answer: Answer) -> Loopback:
    """A server on the port that is asked for, else on the usual one, or on any that is free.

    Raises SpeccError E533 where the port that is asked for is not free.
    """
    if port is not None:
        return Loopback(port, answer)
    try:
        return Loopback(usual, answer)
    except SpeccError:  # another of these servers
        return Loopback(0, answer)


class _Handler(BaseHTTPRequestHandler):
    server: Loopback
    server_version = f"specc/{__version__}"
    sys_version = ""
    timeout = SECONDS

    def do_GET(self) -> None:
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            return self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
        reply = self.server.answer(self.path.partition("?")[0])
        if reply is None:
            return self._refuse(HTTPStatus.NOT_FOUND)
        tag = f'"{sha256(reply.body).hexdigest()[:32]}"'
        about = {"ETag": tag, "Cache-Control": "no-cache" if reply.is_kept else "no-store"}
        if self.headers.get("If-None-Match") == tag:
            return self._send(HTTPStatus.NOT_MODIFIED, b"", about)
        about |= {"Content-Type": reply.kind, "Content-Security-Policy": reply.policy}
        return self._send(HTTPStatus.OK, reply.body, about)

    do_HEAD = do_GET  # noqa: N815 - what the standard library calls it

    def log_message(self, *_: object) -> None:
        """Nothing is printed: a page asks every second."""

    def _refuse(self, status: HTTPStatus) -> None:
        words = f"{status.value} {status.phrase}\n".encode()
        about = {"Cache-Control": "no-store", "Content-Type": "text/plain; charset=utf-8"}
        self._send(status, words, {**about, "Content-Security-Policy": _NOTHING})

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


_NOTHING = "default-src 'none'"
