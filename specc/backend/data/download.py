"""Downloads of data sets and weights: verified, resumed where they broke off, and there as a whole or not at all."""

import hashlib
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPMessage
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from specc import __version__
from specc.backend.data.progress import bar
from specc.files import PART, open_file, read_file

CHUNK = 1 << 18
TIMEOUT = 30  # seconds without a byte
GRACE = 60  # seconds; after these, a download must have been at least so fast:
SLOWEST = 10_000  # bytes a second
MOST = 1 << 36  # bytes of a file whose length nobody says


class Download(NamedTuple):
    """A file that a publisher offers: where, and as far as they are published its MD5, its length in bytes, and its
    SHA-256 in hex digits, all of them or the first few.
    """

    url: str
    md5: str | None = None
    length: int | None = None
    archive: bool = False
    sha256: str | None = None

    @property
    def name(self) -> str:
        return urlsplit(self.url).path.rpartition("/")[2]

    @property
    def is_checked(self) -> bool:
        """Whether anything tells the right file from another one."""
        return bool(self.md5 or self.sha256)


class DownloadFailed(Exception):
    """The file could not be had. The message says why."""


class OtherContent(DownloadFailed):
    """The publisher sent a file with another checksum; it was removed."""


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

    The part that an interrupted download has fetched stays beside it, and the next one resumes there. Where nothing is
    published that tells one version of the file from another, it resumes only if the publisher says it is the same.

    Raises DownloadFailed where the publisher cannot be reached or sends something else (OtherContent); OSError where
    `folder` does not take it.
    """
    path, begun = folder / download.name, _begun(download, folder)
    part = begun.path if begun else None
    chunks = _received(download, begun)
    try:
        first = next(chunks)  # nothing is written before the publisher answers
        if part is None:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=folder)
            os.close(handle)
            part = Path(name)
        with part.open("r+b") as file:
            end = file.truncate(first.at)  # of another version, nothing is kept
            for piece in chain([first], chunks):
                if piece.version:
                    _version_of(part).write_text(piece.version, encoding="utf-8")
                file.seek(piece.at)
                file.write(piece.content)
                end = piece.at + len(piece.content)
            file.truncate(end)
            file.flush()
            os.fsync(file.fileno())
        wrong = _difference(download, part)
        if not wrong:
            part.replace(path)
    except (_BrokeOff, KeyboardInterrupt):
        if part:
            os.utime(part, (0, 0))  # nobody writes to it any more
        raise
    except BaseException as error:
        if part:
            _remove(part)
        if isinstance(error, _CannotResume):
            return fetch(download, folder)
        raise
    _remove(part)
    if not wrong:
        return path
    if begun:
        return fetch(download, folder)
    raise OtherContent(f"{download.url} did not send the published file: {wrong}")


class _BrokeOff(DownloadFailed):
    """Some of it came, and was right as far as one can tell."""


class _CannotResume(DownloadFailed):
    """The publisher does not take a request for the rest."""


class _Begun(NamedTuple):
    """What an earlier download has left: the part, its bytes, and the version of the file ("": unknown)."""

    path: Path
    size: int
    version: str


class _Piece(NamedTuple):
    """Some of a file's content, and its place in the file. version: what names this version of the file, told once."""

    at: int
    content: bytes
    version: str = ""


def _begun(download: Download, folder: Path) -> _Begun | None:
    """What an earlier download has left, now in this one's hands; None where there is nothing.

    One that runs in another process has written within the last minute: it is left alone. Of several processes that
    want to take over a part, one succeeds in renaming it.
    """
    for part in sorted(folder.glob(f".{download.name}.*{PART}")):
        try:
            status = part.stat()
            if status.st_mtime > time.time() - 2 * TIMEOUT:
                continue
            version = _read_version(part)
            if not (0 < status.st_size < (download.length or MOST)) or not (download.is_checked or version):
                _remove(part)
                continue
            own = part.with_name(f".{download.name}.{secrets.token_hex(4)}{PART}")
            part.rename(own)
            os.utime(own)
            _version_of(part).unlink(missing_ok=True)
            return _Begun(own, status.st_size, version)
        except OSError:  # another process was faster
            continue
    return None


def _version_of(part: Path) -> Path:
    """The file beside a part that says of which version of the file it is: the publisher's entity tag (RFC 9110)."""
    return part.with_suffix(".etag")


def _read_version(part: Path) -> str:
    try:
        return read_file(_version_of(part), most=1000).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _remove(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version_of(part).unlink(missing_ok=True)


def _difference(download: Download, path: Path) -> str:
    """How a file differs from the published one; "" where it does not, as far as anything is published."""
    if download.md5 and digest(path, "md5") != download.md5:
        return "its MD5 checksum differs"
    if download.sha256 and not (found := digest(path, "sha256")).startswith(download.sha256.lower()):
        return f"its SHA-256 is {found}, but {download.sha256} is published"
    return ""


def digest(path: Path, kind: str) -> str:
    """The checksum of a file, in hex digits; against accidents. kind: "md5" or "sha256". Raises OSError."""
    with open_file(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def _received(download: Download, begun: _Begun | None) -> Iterator[_Piece]:
    """A file's content in pieces; as many bytes as are published, or as the publisher says that it has, and no more.

    begun: what is there already. It is not asked for again where the publisher can go on from there.
    """
    try:
        with urlopen(_request(download, begun), timeout=TIMEOUT) as answer:
            length = download.length if download.length is not None else _length(answer)
            if length is None and not download.is_checked:
                raise DownloadFailed(f"{download.url} does not say how long it is")
            first = 0
            if begun and answer.status == 206:
                _refuse_other_part(download, answer, begun, length)
                first = begun.size
            with bar(f"downloading {download.name}", length, "bytes") as advance:
                advance(first)
                yield from _pieces(download, answer, first, length, advance)
    except HTTPError as error:
        error.close()
        if begun and error.code == 416:
            raise _CannotResume(f"{download.url}: {error.reason}") from None
        raise DownloadFailed(f"{download.url}: {error.reason}") from None
    except (OSError, HTTPException) as error:
        raise _BrokeOff(f"{download.url}: {getattr(error, 'reason', None) or error}") from None


def _pieces(
    download: Download, answer: Any, first: int, length: int | None, advance: Callable[[int], None]
) -> Iterator[_Piece]:
    """What an answer brings, from `first` to `length`. Raises _BrokeOff where it ends before, or comes too slowly."""
    at, started, version = first, time.monotonic(), _tag(answer)
    while chunk := answer.read1(CHUNK):
        if at + len(chunk) > (MOST if length is None else length):
            raise DownloadFailed(f"{download.url} sends more than {MOST if length is None else length:,} bytes")
        yield _Piece(at, chunk, version)
        at, version = at + len(chunk), ""
        advance(len(chunk))
        seconds = time.monotonic() - started
        if seconds > GRACE and at - first < SLOWEST * seconds:
            raise _BrokeOff(f"{download.url} sends less than {SLOWEST:,} bytes a second")
    if length is not None and at < length:
        raise _BrokeOff(f"{download.url} broke off after {at:,} of {length:,} bytes")
    if at == 0:
        yield _Piece(0, b"")


def _request(download: Download, begun: _Begun | None) -> Request:
    """A request for the file, or for what an earlier download lacks, if the file is still the same."""
    if urlsplit(download.url).scheme not in ("https", "http"):
        raise DownloadFailed(f"{download.url} is not an address on the web")
    headers = {"User-Agent": f"specc/{__version__}"}
    if begun:
        headers["Range"] = f"bytes={begun.size}-"
        if begun.version:
            headers["If-Range"] = begun.version
    return Request(download.url, headers=headers)  # noqa: S310 - its scheme was looked at


def _length(answer: Any) -> int | None:
    """The length of the whole file, as an answer says it: with all of it, or with its rest."""
    if answer.status == 206:
        total = (answer.headers.get("Content-Range") or "").rpartition("/")[2]
        return int(total) if total.isdecimal() else None
    total = answer.headers.get("Content-Length") or ""
    return int(total) if total.isdecimal() else None


def _tag(answer: Any) -> str:
    """The strong entity tag of what is sent, if there is one: a weak one is not for parts (RFC 9110, 13.1.5)."""
    tag = str(answer.headers.get("ETag") or "")
    return tag if re.fullmatch(r'"[\x21\x23-\x7e]{1,500}"', tag) else ""


def _refuse_other_part(download: Download, answer: Any, begun: _Begun, length: int | None) -> None:
    """Raise DownloadFailed where an answer does not continue what has begun."""
    tag = _tag(answer)
    is_other = bool(tag and begun.version and tag != begun.version)
    if is_other or length is None or answer.headers.get("Content-Range") != f"bytes {begun.size}-{length - 1}/{length}":
        raise DownloadFailed(f"{download.url} resumes with a part that was not requested")
