"""Where packed data lie: in a folder of this machine, or elsewhere, from where shards are fetched into a cache."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from specc.backend.data.amount import size
from specc.backend.data.parallel import ordered, workers
from specc.backend.data.paths import find_path, outside
from specc.backend.data.places import Where, unreadable
from specc.backend.data.progress import bar
from specc.backend.data.shards.cache import HELP, Cache, other_content
from specc.backend.data.shards.index import (
    INDEX,
    MOST_INDEX,
    MOST_TABLE,
    Index,
    NoIndex,
    Shard,
    bad_index,
    local_path,
    parse_index,
    read_local,
)
from specc.backend.data.shards.remote import Remote
from specc.errors import SpeccError, clean
from specc.files import read_file

FETCHING = 8  # shards that are fetched at once, at most


class LocalStore:
    """Packed data in a folder."""

    is_remote = False

    def __init__(self, folder: Path, notes: tuple[str, ...]) -> None:
        self.folder, self.notes = folder, notes

    def __str__(self) -> str:
        return str(self.folder)

    def index(self) -> Index:
        """Raises SpeccError E521, E410."""
        try:
            return read_local(self.folder)
        except FileNotFoundError:
            raise bad_index(f"{self.folder} holds no packed data: there is no {INDEX}") from None
        except OSError as error:
            raise unreadable(self.folder / INDEX, error) from None

    def table(self, shard: Shard) -> bytes:
        """The table of a shard, verified. Raises SpeccError E524, E410."""
        path = self.folder / f"{shard.name}.json"
        try:
            content = read_file(path, MOST_TABLE)
        except OSError as error:
            raise unreadable(path, error) from None
        found = hashlib.sha256(content).hexdigest()
        if found != shard.table:
            raise other_content(str(path), found, shard.table)
        return content

    def shard(self, shard: Shard) -> Path:
        """The path of a shard."""
        return self.folder / f"{shard.name}.tar"

    def has_another(self, shard: Shard) -> bool:
        """Whether a shard that is damaged can be fetched again."""
        return False

    def ready(self, shards: Sequence[Shard]) -> None:
        """Raise SpeccError E524 where a shard is not there, or has another length than the index says."""
        for shard in shards:
            path = self.shard(shard)
            try:
                found = path.stat().st_size
            except OSError as error:
                raise unreadable(path, error) from None
            if found != shard.bytes:
                message = clean(f"{path} has {found:,} bytes, but the index says {shard.bytes:,}")
                raise SpeccError("E524", message, help="copy the packed data again, all of it, or pack them again")


class RemoteStore:
    """Packed data behind an address, and the cache that holds what was fetched."""

    is_remote = True

    def __init__(self, url: str) -> None:
        """Raises SpeccError as `Remote` and `Cache` do."""
        self.remote, self.cache = Remote(url), Cache()
        kept = f"the cache in {clean(str(self.cache.folder))}, at most {size(self.cache.most)}"
        self.notes: tuple[str, ...] = (f"the images are read from {clean(url)}, through {kept}",)

    def __str__(self) -> str:
        return str(self.remote)

    def index(self) -> Index:
        """Raises SpeccError E521, E523."""
        content = self.remote.read(INDEX, MOST_INDEX)
        try:
            return parse_index(content)
        except NoIndex as error:
            raise bad_index(f"{self.remote}/{INDEX} {error}") from None

    def table(self, shard: Shard) -> bytes:
        """The table of a shard, verified. Raises SpeccError E523, E524."""
        return self.cache.small(self.remote, f"{shard.name}.json", shard.table, MOST_TABLE)

    def shard(self, shard: Shard) -> Path:
        """The path of a shard in the cache, into which it is fetched first. Raises SpeccError as `Cache.get` does."""
        return self.cache.get(self.remote, f"{shard.name}.tar", shard.sha256, shard.bytes)

    def has_another(self, shard: Shard) -> bool:
        """Whether a shard that is damaged or gone can be fetched again: its copy in the cache is removed."""
        self.cache.drop(shard.sha256)
        return True

    def ready(self, shards: Sequence[Shard]) -> None:
        """Fetch shards, all of which have to stay in the cache. Raises SpeccError E525 where they do not fit."""
        need = sum(shard.bytes for shard in {shard.sha256: shard for shard in shards}.values())
        if need > self.cache.most:
            message = (
                f"{self.remote} takes {size(need)}, but the cache in {self.cache.folder} may take "
                f"{size(self.cache.most)}, and a full shuffle needs all of it at once"
            )
            raise SpeccError("E525", clean(message), help=f"mix fewer shards at once with window=…, or {HELP}")
        lacking = [shard for shard in shards if not self.cache.path(shard.sha256).exists()]
        with bar(f"fetching {len(lacking):,} shards", sum(shard.bytes for shard in lacking), "bytes") as advance:
            for shard, _ in zip(lacking, ordered(self.shard, lacking, threads=fetchers()), strict=True):
                advance(shard.bytes)


Store = LocalStore | RemoteStore


def fetchers() -> int:
    """How many shards are fetched at once."""
    return min(FETCHING, max(1, workers()))


def store_of(text: str, where: Where) -> Store:
    """Where the argument of `packed` leads to. Raises SpeccError E403 and what `RemoteStore` does."""
    path = local_path(text)
    if path is None:
        return RemoteStore(text)
    folder = find_path(path, where, "folder")
    return LocalStore(folder, outside(folder, where))
