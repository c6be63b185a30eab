"""Downloads, from a publisher that the tests play themselves: verified, whole, or not there."""

import hashlib
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from tiny_data import levels, read, refused, write_mnist

from specc.backend.data import download, idx
from specc.backend.data.download import Download, DownloadFailed, fetch
from specc.backend.data.places import Published


class Publisher(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    short: ClassVar[int] = 0  # bytes that are promised but not sent

    def do_GET(self) -> None:
        content = self.files.get(self.path.removeprefix("/"))
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) - self.short])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a publisher with one file, `a.bin`."""
    monkeypatch.setattr(download, "urlopen", urllib.request.urlopen)
    monkeypatch.setattr(Publisher, "files", {"a.bin": CONTENT})
    monkeypatch.setattr(Publisher, "short", 0)
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
        (("a.bin", "0" * 32, len(CONTENT)), "its MD5 is wrong"),
        (("a.bin", MD5, len(CONTENT) - 1), "sends more than 699,999 bytes"),
        (("a.bin", MD5, len(CONTENT) + 1), "broke off after 700,000 of 700,001 bytes"),
        (("b.bin", MD5, len(CONTENT)), "Not Found"),
    ],
)
def test_something_else_is_not_kept(publisher: str, tmp_path: Path, wanted: tuple[str, str, int], message: str) -> None:
    name, md5, length = wanted
    with pytest.raises(DownloadFailed, match=message):
        fetch(Download(publisher + name, md5, length), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_breaks_is_said(publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Publisher, "short", 1000)
    with pytest.raises(DownloadFailed, match=r"a\.bin"):
        fetch(Download(f"{publisher}a.bin", MD5, len(CONTENT)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "urlopen", urllib.request.urlopen)
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
