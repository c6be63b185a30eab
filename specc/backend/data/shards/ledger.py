"""The folder into which data are packed: whose it is, and which shards are finished.

`pack.json` keeps of each finished shard what it was made from, so that a packing that was killed continues after it.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.data.shards.index import FORMAT, HASH, INDEX, SHARD, NoIndex, Shard, parsed
from specc.errors import SpeccError, clean
from specc.files import PART, json_bytes, open_file, read_file, sweep_parts, write_atomic
from specc.locks import locked, release

LEDGER = "pack.json"
LOCK = ".pack.lock"
MOST = 1 << 28  # bytes


class Finished(NamedTuple):
    """A finished shard. recipe: SHA-256 over all that it was made from. seen: what was seen of its images."""

    recipe: str
    shard: Shard
    seen: dict[str, Any]


class Ledger:
    """The shards of a folder that are finished. is_complete: it has an index, too."""

    def __init__(self, folder: Path) -> None:
        """Raises SpeccError E522 for a folder that holds something else, OSError where it cannot be read or written."""
        self.folder, self.is_complete = folder, (folder / INDEX).exists()
        self.finished: dict[str, Finished] = {}
        names = [path.name for path in folder.iterdir()]
        if LEDGER in names:
            self.finished = _read(folder / LEDGER)
        elif self.is_complete:
            raise _not_own(f"{folder} holds packed data already")
        elif others := sorted(name for name in names if name != LOCK and not name.endswith(PART)):
            raise _not_own(f"{folder} is not empty, and nothing in it tells of a packing: it holds {others[0]}")
        else:
            self._write()
        sweep_parts(folder)

    def kept(self, name: str, recipe: str) -> Finished | None:
        """A shard that was finished before, from the same, and is still what it was.

        Raises SpeccError E522 where the folder is complete and holds another one.
        """
        finished = self.finished.get(name)
        if finished is None or finished.recipe != recipe:
            if self.is_complete:
                raise _not_own(f"{self.folder} holds packed data already, of other images or packed in another way")
            return None
        shard = finished.shard
        for path, digest in ((self.path(name), shard.sha256), (self.path(name, "json"), shard.table)):
            try:
                with open_file(path) as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                        return None
            except OSError:
                return None
        return finished

    def add(self, finished: Finished, table: bytes) -> None:
        """Note a shard that is finished, and write its table. Raises OSError."""
        name = finished.shard.name
        write_atomic(self.path(name, "json"), table)
        self.finished[name] = finished
        self._write()

    def path(self, name: str, ending: str = "tar") -> Path:
        """Where a shard or its table lies."""
        return self.folder / f"{name}.{ending}"

    def complete(self, index: bytes, names: set[str]) -> None:
        """Write the index, once all shards are finished; shards that are not in it are removed. Raises OSError."""
        for path in self.folder.iterdir():
            if path.suffix in (".tar", ".json") and SHARD.fullmatch(path.stem) and path.stem not in names:
                path.unlink()
        self.finished = {name: one for name, one in self.finished.items() if name in names}
        self._write()
        write_atomic(self.folder / INDEX, index)

    def _write(self) -> None:
        rows = {name: one._replace(shard=one.shard._asdict())._asdict() for name, one in self.finished.items()}  # type: ignore[arg-type]
        write_atomic(self.folder / LEDGER, json_bytes({"format": FORMAT, "shards": rows}, indent=None))


@contextmanager
def ledger_of(folder: Path) -> Iterator[Ledger]:
    """The ledger of a folder, into which no other process packs meanwhile. Raises SpeccError E522, E481, E485."""
    if folder.exists() and not folder.is_dir():
        raise _not_own(f"{folder} is not a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = locked(folder / LOCK, waits=False)
    except BlockingIOError:
        message = clean(f"another process is packing into {folder}")
        raise SpeccError("E485", message, help="wait until it ends, or choose another folder with --out") from None
    except OSError as error:
        raise cannot_write(folder, error) from None
    try:
        yield _opened(folder)
    finally:
        release(lock, folder / LOCK)


def _opened(folder: Path) -> Ledger:
    try:
        return Ledger(folder)
    except OSError as error:
        raise cannot_write(folder, error) from None


def cannot_write(folder: Path, error: OSError) -> SpeccError:
    """E481: the folder does not take the shards."""
    message = clean(f"{folder} cannot be written: {error.strerror or error}")
    help = "free some space, check the permissions, or choose another folder; finished shards are kept"
    return SpeccError("E481", message, help=help)


def _not_own(message: str) -> SpeccError:
    return SpeccError("E522", clean(message), help="choose a new or an empty folder with --out")


def _read(path: Path) -> dict[str, Finished]:
    """What a ledger says; nothing of what it says wrongly: those shards are written again."""
    try:
        rows = parsed(read_file(path, MOST)).get("shards")
    except NoIndex as error:
        raise _not_own(f"{path} {error}") from None
    finished = {}
    for name, row in (rows if isinstance(rows, dict) else {}).items():
        with suppress(TypeError, AttributeError):
            one = Finished(row["recipe"], Shard(**row["shard"]), dict(row["seen"]))
            hashes = (one.recipe, one.shard.sha256, one.shard.table)
            if SHARD.fullmatch(name) and one.shard.name == name and all(HASH.fullmatch(text) for text in hashes):
                finished[name] = one
    return finished
