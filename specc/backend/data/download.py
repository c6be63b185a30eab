"""Downloads from a data set's publisher: verified, and either there as a whole or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from http.client import HTTPException
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from specc import __version__
from specc.backend.data.progress import bar

CHUNK = 1 << 18
TIMEOUT = 30  # seconds without a byte


class Download(NamedTuple):
    """A file that a publisher offers: where, its MD5 as published, and its length in bytes."""

    url: str
    md5: str
    length: int
    archive: bool = False

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


class DownloadFailed(Exception):
    """The file could not be had. The message says why."""


def fetch(download: Download, folder: Path) -> Path:
    """Download a file into `folder`. It takes its name there once its length and checksum are right.

    Raises DownloadFailed where the publisher cannot be reached or sends something else; OSError where `folder` does not
    take it.
    """
    path = folder / download.name
    chunks = _received(download)
    first = next(chunks, b"")  # nothing is written before the publisher answers
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=folder)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            digest = hashlib.md5(usedforsecurity=False)  # a check against accidents, published beside the file
            for chunk in chain([first], chunks):
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != download.md5:
            raise DownloadFailed(f"{download.url} sent something else than its publisher's file: its MD5 is wrong")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


def _received(download: Download) -> Iterator[bytes]:
    """A file's content in pieces, `download.length` bytes and no more."""
    request = Request(download.url, headers={"User-Agent": f"specc/{__version__}"})  # noqa: S310 - of the tables here
    left = download.length
    try:
        with (
            urlopen(request, timeout=TIMEOUT) as answer,  # noqa: S310
            bar(f"downloading {download.name}", left, "bytes") as advance,
        ):
            while chunk := answer.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise DownloadFailed(f"{download.url} sends more than {download.length:,} bytes")
                advance(len(chunk))
                yield chunk
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise DownloadFailed(f"{download.url}: {getattr(error, 'reason', None) or error}") from None
    if left:
        raise DownloadFailed(f"{download.url} broke off after {download.length - left:,} of {download.length:,} bytes")
