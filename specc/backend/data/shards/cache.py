"""Shards from elsewhere, kept on this machine's disk, in no more bytes than they may take.

Files are called by the SHA-256 of their content, so several data sets and several processes share one folder. A file
gets its name once its content is verified; what is being fetched is counted with its whole size. Where there is no
room, what was not used for the longest time is removed.
"""

import errno
import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from specc.backend.data.amount import from_environment, size
from specc.backend.data.cache import SIZE, root
from specc.backend.data.shards.remote import Remote
from specc.errors import SpeccError, clean
from specc.files import PART, read_file, write_atomic
from specc.locks import held

SHARDS = "shards"
TOUCHED = 20  # seconds after which the use of a file is noted again
STALE = 3600  # seconds after which a part that nobody writes to is removed
HELP = f"let it take more with {SIZE}=500GB, or move it to a larger disk with SPECC_CACHE=FOLDER"


class Cache:
    """A folder of shards. most: the bytes that it may take; half of what is free where None is given."""

    def __init__(self, folder: Path | None = None, most: int | None = None) -> None:
        """Raises SpeccError: E526 for what is no amount in the environment, E525 where no folder can be made."""
        self.folder = folder or root() / SHARDS
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise _unusable(self.folder, error) from None
        self.most = most or from_environment(SIZE) or (free + sum(held for _, held, _ in self._files())) // 2
        self._used: dict[str, float] = {}

    def path(self, digest: str) -> Path:
        """Where a file of this SHA-256 lies, if it is here."""
        return self.folder / digest

    def get(self, remote: Remote, name: str, digest: str, count: int) -> Path:
        """A file of `count` bytes with this SHA-256: here already, or fetched now.

        Raises SpeccError: E523 it cannot be had, E524 it has other content, E525 it does not fit here.
        """
        path = self.path(digest)
        if time.monotonic() - self._used.get(digest, -TOUCHED) < TOUCHED:
            return path  # if it is gone meanwhile, whoever opens it asks again
        try:
            with held(self._lock(digest), is_left=False):
                if path.exists() and path.stat().st_size == count:
                    os.utime(path)
                else:
                    remote.retried(name, lambda: self._fetch(remote, name, digest, count))
        except OSError as error:
            raise _unusable(self.folder, error) from None
        self._used[digest] = time.monotonic()
        return path

    def drop(self, digest: str) -> None:
        """Remove a file that seems damaged: it is fetched again when it is asked for.

        It stays where its content is right, for another reader may have had it fetched again meanwhile.
        """
        path = self.path(digest)
        with held(self._lock(digest), is_left=False):
            if _sha256(path) != digest:
                path.unlink(missing_ok=True)
            self._used.pop(digest, None)

    def small(self, remote: Remote, name: str, digest: str, most: int) -> bytes:
        """The content of a small file with this SHA-256. Raises SpeccError E523, E524."""
        path = self.path(digest)
        with suppress(OSError):
            content = read_file(path, most)
            if hashlib.sha256(content).hexdigest() == digest:
                os.utime(path)
                return content
        content = remote.read(name, most)
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise other_content(f"{remote}/{name}", found, digest)
        with suppress(OSError, SpeccError):  # it has been read, and can be fetched again
            with held(self.folder / ".lock"):
                self._make_room(len(content))
            write_atomic(path, content)
        return content

    def _lock(self, digest: str) -> Path:
        return self.folder / f".{digest}.lock"

    def _fetch(self, remote: Remote, name: str, digest: str, count: int) -> None:
        """Fetch a file into its place. Raises SpeccError E524 where the content stays another one."""
        part = self._reserve(digest, count)
        try:
            for attempt in range(2):
                found = self._received(remote, name, part, count)
                if found == digest:
                    part.replace(self.path(digest))
                    return
                if attempt:
                    raise other_content(f"{remote}/{name}", found, digest)
        finally:
            part.unlink(missing_ok=True)

    def _received(self, remote: Remote, name: str, part: Path, count: int) -> str:
        """The SHA-256 of a file that is written to `part` as it comes."""
        digest = hashlib.sha256()
        with part.open("r+b") as file:
            for chunk in remote.chunks(name, count):
                digest.update(chunk)
                try:
                    file.write(chunk)
                except OSError as error:
                    raise _unusable(self.folder, error) from None
            file.truncate()
        return digest.hexdigest()

    def _reserve(self, digest: str, count: int) -> Path:
        """A file of `count` bytes to be overwritten, for which others had to go if there was no room.

        Raises SpeccError E525.
        """
        with held(self.folder / ".lock"):
            self._make_room(count)
            handle, name = tempfile.mkstemp(prefix=f".{digest[:16]}.", suffix=PART, dir=self.folder)
            part = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    if hasattr(os, "posix_fallocate"):
                        os.posix_fallocate(file.fileno(), 0, count)
                    else:
                        file.truncate(count)
            except OSError as error:
                part.unlink(missing_ok=True)
                if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system that cannot reserve
                    part.touch()
                    return part
                raise _unusable(self.folder, error) from None
            return part

    def _make_room(self, count: int) -> None:
        """Remove what was not used for the longest time until `count` bytes fit."""
        if count > self.most:
            message = clean(f"a shard takes {size(count)}, but the cache in {self.folder} may take {size(self.most)}")
            raise SpeccError("E525", message, help=HELP)
        files = sorted(self._files())
        total = sum(taken for _, taken, _ in files)
        for used, taken, path in files:
            is_part = path.suffix == PART
            if total + count <= self.most and not (is_part and used < time.time() - STALE):
                continue
            if not is_part or used < time.time() - STALE:
                path.unlink(missing_ok=True)
                total -= taken

    def _files(self) -> list[tuple[float, int, Path]]:
        """When each file was used, its bytes, and its path."""
        found = []
        for path in self.folder.iterdir():
            with suppress(OSError):  # another process removed it
                status = path.stat()
                if not path.name.endswith(".lock"):
                    found.append((status.st_mtime, status.st_size, path))
        return found


def other_content(where: str, found: str, digest: str) -> SpeccError:
    """E524: a file whose SHA-256 is another one than its index says."""
    message = clean(f"{where} has the SHA-256 {found[:16]}…, but the index says {digest[:16]}…")
    return SpeccError("E524", message, help="copy the packed data again, all of it, or pack them again")


def _sha256(path: Path) -> str:
    """The digest of a file's content; "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _unusable(folder: Path, error: OSError) -> SpeccError:
    message = clean(f"the cache in {folder} cannot be written: {error.strerror or error}")
    return SpeccError("E525", message, help=HELP)
