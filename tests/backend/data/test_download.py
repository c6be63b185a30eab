"""Downloads, from a publisher that the tests play themselves: verified, whole, or not there."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from specc.backend.data import download, idx
from specc.backend.data.download import Download, DownloadFailed, fetch
from specc.backend.data.places import Published
from tests.helpers.tiny_data import levels, read, refused, write_mnist

REAL = download.urlopen  # which every test takes away


class Publisher(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    sends_on: ClassVar[dict[str, str]] = {}  # from a name to an address
    short: ClassVar[int] = 0  # bytes that are promised but not sent
    ranges: ClassVar[str] = "kept"  # or "ignored", "refused", "wrong"
    asked: ClassVar[list[str | None]] = []  # the Range of each request

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        content, wanted = self.files.get(name), self.headers.get("Range")
        self.asked.append(wanted)
        if name in self.sends_on:
            self.send_response(302)
            self.send_header("Location", self.sends_on[name])
            self.end_headers()
            return
        if content is None:
            self.send_error(404)
            return
        begun = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges != "ignored" else 0
        if begun and self.ranges == "refused":
            self.send_error(416)
            return
        self.send_response(206 if begun else 200)
        if begun:
            shift = self.ranges == "wrong"
            self.send_header("Content-Range", f"bytes {begun + shift}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begun))
        self.end_headers()
        self.wfile.write(content[begun : len(content) - self.short])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a publisher with one file, `a.bin`."""
    monkeypatch.setattr(download, "urlopen", REAL)
    monkeypatch.setattr(Publisher, "files", {"a.bin": CONTENT})
    monkeypatch.setattr(Publisher, "sends_on", {})
    monkeypatch.setattr(Publisher, "short", 0)
    monkeypatch.setattr(Publisher, "ranges", "kept")
    monkeypatch.setattr(Publisher, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


CONTENT = levels(700_000).tobytes()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


def test_a_file_comes_whole_and_takes_its_name(publisher: str, tmp_path: Path) -> None:
    path = fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path / "new")
    assert path == tmp_path / "new" / "a.bin" and path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("a.bin", "0" * 32, len(CONTENT)), "its MD5 checksum differs"),
        (("a.bin", MD5, len(CONTENT) - 1), "sends more than 699,999 bytes"),
        (("b.bin", MD5, len(CONTENT)), "Not Found"),
    ],
)
def test_something_else_is_not_kept(publisher: str, tmp_path: Path, wanted: tuple[str, str, int], message: str) -> None:
    name, md5, length = wanted
    with pytest.raises(DownloadFailed, match=message):
        fetch(Download(publisher + name, md5, length), tmp_path)
    assert list(tmp_path.iterdir()) == []


def broken_off(publisher: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A download that has broken off after 600,000 bytes, and what it has left."""
    monkeypatch.setattr(Publisher, "short", 100_000)
    with pytest.raises(DownloadFailed, match=r"a\.bin broke off after 600,000 of 700,000 bytes"):
        fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), folder)
    monkeypatch.setattr(Publisher, "short", 0)
    (part,) = folder.iterdir()
    assert part.name.startswith(".a.bin.") and part.read_bytes() == CONTENT[:600_000]
    return part


def test_what_broke_off_goes_on_where_it_was(publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off(publisher, tmp_path, monkeypatch)
    path = fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path)
    assert path.read_bytes() == CONTENT and list(tmp_path.iterdir()) == [path]
    assert Publisher.asked == [None, "bytes=600000-"]


@pytest.mark.parametrize("ranges", ["ignored", "refused"])
def test_a_publisher_that_cannot_go_on_begins_again(
    publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranges: str
) -> None:
    broken_off(publisher, tmp_path, monkeypatch)
    monkeypatch.setattr(Publisher, "ranges", ranges)
    path = fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path)
    assert path.read_bytes() == CONTENT and list(tmp_path.iterdir()) == [path]


def test_a_part_that_leads_nowhere_is_dropped(publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off(publisher, tmp_path, monkeypatch)
    monkeypatch.setattr(Publisher, "ranges", "wrong")
    with pytest.raises(DownloadFailed, match="resumes with a part"):
        fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path).read_bytes() == CONTENT


def test_a_part_of_something_else_is_not_gone_on_with(
    publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = broken_off(publisher, tmp_path, monkeypatch)
    part.write_bytes(bytes(600_000))
    os.utime(part, (0, 0))
    assert fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path).read_bytes() == CONTENT
    assert Publisher.asked == [None, "bytes=600000-", None] and len(list(tmp_path.iterdir())) == 1


def test_a_part_that_another_process_writes_is_left_alone(
    publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = broken_off(publisher, tmp_path, monkeypatch)
    os.utime(part)
    path = fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path)
    assert path.read_bytes() == CONTENT and part.stat().st_size == 600_000 and Publisher.asked == [None, None]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("file:///etc/passwd", "not allowed"),
        ("data:,x", "not allowed"),
        ("ftp://127.0.0.1/x", "redirects to ftp://127.0.0.1/x, which is not followed"),
        ("https://127.0.0.1:1/x", "redirects to https://127.0.0.1:1/x, which is not followed"),
    ],
)
def test_a_redirection_to_another_scheme_is_refused(
    publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, message: str
) -> None:
    monkeypatch.setattr(Publisher, "sends_on", {"b.bin": target, "c.bin": f"{publisher}a.bin"})
    with pytest.raises(DownloadFailed, match=message):
        fetch(Download(f"{publisher}b.bin", MD5, len(CONTENT)), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert fetch(Download(f"{publisher}c.bin", MD5, len(CONTENT)), tmp_path).read_bytes() == CONTENT


def test_a_publisher_that_drips_is_given_up(publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "GRACE", 0)
    monkeypatch.setattr(download, "SLOWEST", 1e12)
    with pytest.raises(DownloadFailed, match="sends less than"):
        fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path)


def test_a_publisher_that_is_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "urlopen", REAL)
    monkeypatch.setattr(download, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.bin"
        with pytest.raises(DownloadFailed, match="timed out"):
            fetch(Download(url, MD5, len(CONTENT)), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "urlopen", REAL)
    with pytest.raises(DownloadFailed, match="refused"):
        fetch(Download("http://127.0.0.1:9/a.bin", MD5, 1), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_missing_data_set_is_downloaded_once_into_the_cache(
    publisher: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_mnist(tmp_path)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(Publisher, "files", dict(files))
    downloads = tuple(
        Download(publisher + name, hashlib.md5(files[name], usedforsecurity=False).hexdigest(), len(files[name]))
        for name in (f"{file}.gz" for file in idx.FILES)
    )
    here = Published("Fashion-MNIST", "fashion-mnist", idx.FILES, downloads)
    monkeypatch.setattr(idx, "FASHION_MNIST", here)
    assert len(read("fashion_mnist", data_dir=tmp_path / "empty").train) == 30
    assert {path.name for path in (cache / "fashion-mnist").iterdir()} == set(files)
    Publisher.files.clear()  # the second time, nothing is asked for
    assert len(read("fashion_mnist").train) == 30
    (cache / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    assert "t10k-labels-idx1-ubyte.gz: Not Found" in refused("E401", "fashion_mnist")
