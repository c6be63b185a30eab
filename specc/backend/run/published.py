"""Published weights: downloaded once into the user's cache, their hash recorded beside them and held from then on."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from specc.backend.data.download import Download, DownloadFailed, OtherContent, digest, fetch
from specc.errors import SpeccError
from specc.files import cache_folder, read_file, reason, turn, write_atomic

RECORD = ".sha256"  # the ending of the file beside the weights, as the program `sha256sum` writes it
HEX = re.compile(r"[0-9a-f]{8,64}")
NAMED = re.compile(r"-([0-9a-f]{8})\.[a-z]+$")  # torch.hub's convention: the first digits of the SHA-256


class Published(NamedTuple):
    """A file of weights on this machine, and its SHA-256 in 64 hex digits."""

    path: Path
    sha256: str


def obtain_weights(url: str, sha256: str | None = None, folder: Path | None = None) -> Published:
    """The file at an address: the one in `folder`, or downloaded into it.

    sha256: as published, in 8 to 64 hex digits; without it, that of the first download is held. folder: by default one
    in the user's cache that is named after the address, so that no two addresses share a file.

    Raises SpeccError: E496 the file has another hash, E497 it is not there and cannot be downloaded.
    """
    assert sha256 is None or HEX.fullmatch(sha256), "8 to 64 hex digits"
    download = Download(url, sha256=sha256)
    folder = cache_folder() / "weights" / _folder_of(url) if folder is None else folder
    path = folder / download.name
    record = path.with_name(path.name + RECORD)
    try:
        if not download.name.strip("."):
            raise DownloadFailed("the address names no file")
        if not path.is_file():
            with turn(path):  # of several processes one downloads
                if not path.is_file():
                    record.unlink(missing_ok=True)
                    fetch(download, folder)
        actual = digest(path, "sha256")
        _hold(path, actual, sha256, _recorded(record))
        if not record.exists():
            write_atomic(record, f"{actual}  {path.name}\n".encode())
    except OtherContent as error:
        help = "the file was removed; check the address and the hash"
        raise SpeccError("E496", str(error), help=help) from None
    except (DownloadFailed, OSError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise _unobtainable(url, path, why) from None
    return Published(path, actual)


def named_hash(url: str) -> str | None:
    """The first eight digits of the SHA-256 that the name of a file says, as in `resnet50-0676ba61.pth`."""
    match = NAMED.search(urlsplit(url).path)
    return match[1] if match else None


def _folder_of(url: str) -> Path:
    """The host and the folders of an address, with a plain name for each."""
    parts = urlsplit(url)
    names = [parts.netloc, *parts.path.split("/")[:-1]]
    return Path(*(re.sub(r"[^\w.@+=-]", "_", name.lstrip(".")) for name in names if name.strip(".")))


def _recorded(record: Path) -> str | None:
    """The hash that was recorded; None where there is none, or what is there is no hash."""
    try:
        words = read_file(record, most=10_000).decode("ascii").split()
    except (OSError, UnicodeDecodeError):
        return None
    return words[0] if words and len(words[0]) == 64 and HEX.fullmatch(words[0]) else None


def _hold(path: Path, actual: str, published: str | None, recorded: str | None) -> None:
    """Raise SpeccError E496 where a file is not the one that was published, or not the one that was downloaded."""
    help = f"remove {path}, and it is downloaded again"
    if published is not None and not actual.startswith(published):
        raise SpeccError("E496", f"{path} has the SHA-256 {actual}, but {published} is published", help=help)
    if recorded is not None and actual != recorded:
        raise SpeccError("E496", f"{path} has the SHA-256 {actual}, but had {recorded} when it was obtained", help=help)


def _unobtainable(url: str, path: Path, why: str) -> SpeccError:
    """E497: which file is wanted, from where, and where to put it."""
    lines = [f"{path.name} is not on this machine, and downloading it failed: {why}", f"looked in {path.parent}"]
    return SpeccError("E497", lines, help=f"get {url} on another machine, and put it at {path}")
