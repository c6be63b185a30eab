"""Downloads from a data set's publisher: verified, resumed where they broke off, and there as a whole or not at all."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from specc import __version__
from specc.backend.data.progress import bar
from specc.files import open_file

CHUNK = 1 << 18
TIMEOUT = 30  # seconds without a byte
GRACE = 60  # seconds; after these, a download must have been at least so fast:
SLOWEST = 10_000  # bytes a second


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


class _SameScheme(HTTPRedirectHandler):
    """Follows a redirection to another place, but not to another scheme: https stays https."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
            raise DownloadFailed(f"{req.full_url} redirects to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


urlopen = build_opener(_SameScheme).open


def fetch(download: Download, folder: Path) -> Path:
    """Download a file into `folder`. It takes its name there once its length and checksum are right.

    The part that an interrupted download has fetched stays beside it, and the next one resumes there.

    Raises DownloadFailed where the publisher cannot be reached or sends something else; OSError where `folder` does not
    take it.
    """
    path, part = folder / download.name, _begun(download, folder)
    resumed = part.stat().st_size if part else 0
    chunks = _received(download, resumed)
    try:
        first = next(chunks)  # nothing is written before the publisher answers
        if part is None:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=folder)
            os.close(handle)
            part = Path(name)
        with part.open("r+b") as file:
            for at, chunk in chain([first], chunks):
                file.seek(at)
                file.write(chunk)
            file.truncate(download.length)
            file.flush()
            os.fsync(file.fileno())
        right = _md5(part) == download.md5
        if right:
            part.replace(path)
    except (_BrokeOff, KeyboardInterrupt):
        if part:
            os.utime(part, (0, 0))  # nobody writes to it any more
        raise
    except BaseException:
        if part:
            part.unlink(missing_ok=True)
        raise
    if right:
        return path
    part.unlink()
    if resumed:
        return fetch(download, folder)
    raise DownloadFailed(f"{download.url} did not send the published file: its MD5 checksum differs")


class _BrokeOff(DownloadFailed):
    """Some of it came, and was right as far as one can tell."""


def _begun(download: Download, folder: Path) -> Path | None:
    """What an earlier download has left, now in this one's hands; None where there is nothing.

    One that runs in another process has written within the last minute: it is left alone.
    """
    for part in sorted(folder.glob(f".{download.name}.*.part")):
        try:
            status = part.stat()
            if status.st_mtime < time.time() - 2 * TIMEOUT:
                if 0 < status.st_size < download.length:
                    os.utime(part)
                    return part
                part.unlink()
        except OSError:  # another process was faster
            continue
    return None


def _md5(path: Path) -> str:
    """A check against accidents, published beside the file."""
    with open_file(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _received(download: Download, begun: int) -> Iterator[tuple[int, bytes]]:
    """A file's content in pieces, each with its place in the file; `download.length` bytes and no more.

    begun: how many bytes are there already. They are not asked for again where the publisher can go on from there.
    """
    headers = {"User-Agent": f"specc/{__version__}", **({"Range": f"bytes={begun}-"} if begun else {})}
    request = Request(download.url, headers=headers)  # noqa: S310 - of the tables here
    at, started = 0, time.monotonic()
    try:
        with (
            urlopen(request, timeout=TIMEOUT) as answer,
            bar(f"downloading {download.name}", download.length, "bytes") as advance,
        ):
            if begun and answer.status == 206:
                if answer.headers.get("Content-Range") != f"bytes {begun}-{download.length - 1}/{download.length}":
                    raise DownloadFailed(f"{download.url} resumes with a part that was not requested")
                at = begun
                advance(begun)
            first = at
            while chunk := answer.read1(CHUNK):
                if at + len(chunk) > download.length:
                    raise DownloadFailed(f"{download.url} sends more than {download.length:,} bytes")
                yield at, chunk
                at += len(chunk)
                advance(len(chunk))
                seconds = time.monotonic() - started
                if seconds > GRACE and at - first < SLOWEST * seconds:
                    raise _BrokeOff(f"{download.url} sends less than {SLOWEST:,} bytes a second")
    except HTTPError as error:
        error.close()
        raise DownloadFailed(f"{download.url}: {error.reason}") from None
    except (OSError, HTTPException) as error:
        raise _BrokeOff(f"{download.url}: {getattr(error, 'reason', None) or error}") from None
    if at < download.length:
        raise _BrokeOff(f"{download.url} broke off after {at:,} of {download.length:,} bytes")
