"""`packed`: the source that reads what `specc pack` has written, from a disk or from elsewhere."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.backend.data.amount import size
from specc.backend.data.parallel import ordered, workers
from specc.backend.data.places import Where
from specc.backend.data.raw import Part, Raw
from specc.backend.data.shards.cache import HELP
from specc.backend.data.shards.images import Facts, Packed, PackedMasks
from specc.backend.data.shards.index import Index, NoIndex, Shard, Table, bad_index, parse_table
from specc.backend.data.shards.store import RemoteStore, Store, store_of
from specc.errors import SpeccError, clean, counted
from specc.tasks import MULTILABEL, REGRESSION, SEGMENTATION
from specc.values import Args

READING = 16  # tables that are read at once from elsewhere


def read_packed(a: Args, where: Where) -> Raw:
    """The parts of packed data, whose images stay in their shards.

    Raises SpeccError: E403 no such folder, E520 to E525 as `store`, `index` and `cache` say.
    """
    store = store_of(a.path, where)
    index = store.index()
    if isinstance(store, RemoteStore) and a.window is not None:
        _refuse_small(store, index, a.window)
    train = _part(store, index, "train", a.window)
    parts = {name: _part(store, index, name, a.window) for name in index.parts if name != "train"}
    return Raw(
        index.classes,
        train,
        parts.get("test"),
        parts.get("validation"),
        {name: text for name, text in index.names.items() if name != "train"},
        (*store.notes, *_about(index, a.window)),
        index.task,
        index.ignore,
    )


def _about(index: Index, window: int | None) -> list[str]:
    shards = [shard for part in index.parts.values() for shard in part]
    how = "pixels" if index.encoding == "raw" else f"JPEG of quality {index.quality}"
    notes = [f"packed as {how}: {counted(len(shards), 'shard')}, {size(sum(shard.bytes for shard in shards))}"]
    if window is not None and window < len(index.parts["train"]):
        mixed = f"{window:,} of {counted(len(index.parts['train']), 'shard')}"
        notes.append(
            f"window = {window}: an epoch takes the training shards in a drawn order and shuffles the images of "
            f"{mixed} at a time, not all at once"
        )
    return notes


def _refuse_small(store: RemoteStore, index: Index, window: int) -> None:
    """Raise SpeccError E525 where the cache does not hold the shards that are mixed and those that come next."""
    largest = max(shard.bytes for part in index.parts.values() for shard in part)
    shards = [shard for part in index.parts.values() for shard in part]
    need = min((2 * window + 1) * largest, sum(shard.bytes for shard in shards))
    if need > store.cache.most:
        message = (
            f"window = {window} needs {size(need)} in the cache in {store.cache.folder}: twice the shards of a window, "
            f"and one; it may take {size(store.cache.most)}"
        )
        raise SpeccError("E525", clean(message), help=f"mix fewer shards, or {HELP}")


def _part(store: Store, index: Index, name: str, window: int | None) -> Part:
    """A part of packed data, of which the tables are read."""
    shards = index.parts[name]

    def table(shard: Shard) -> Table:
        try:
            return parse_table(store.table(shard), index, shard)
        except NoIndex as error:
            raise bad_index(f"{store}/{shard.name}.json {error}") from None

    threads = READING if store.is_remote else workers()
    tables = list(ordered(table, shards, threads=threads))
    names = [text for one in tables for text in one.names]
    images = Packed(store, index, shards, _facts(tables, index), names, window)
    rows = [label for one in tables for label in one.labels]
    groups = [group for one in tables for group in one.groups]
    return Part(images, PackedMasks(images) if index.task == SEGMENTATION else _labels(rows, index), groups)


def _facts(tables: Sequence[Table], index: Index) -> Facts:
    def column(name: str) -> Any:
        return np.array([value for one in tables for value in getattr(one, name)], dtype=np.int64)

    def levels(name: str) -> Tensor:
        return torch.tensor([row for one in tables for row in getattr(one, name)], dtype=torch.float64)

    def hashes(name: str) -> list[bytes]:
        return [value for one in tables for value in getattr(one, name)]

    counts = [len(one.names) for one in tables]
    is_masked = index.task == SEGMENTATION
    return Facts(
        np.repeat(np.arange(len(tables), dtype=np.int64), counts),
        column("offsets"),
        column("lengths"),
        hashes("hashes"),
        hashes("pictures"),
        levels("sums"),
        levels("squares"),
        column("labels") if is_masked else np.full(sum(counts), -1, dtype=np.int64),
        hashes("masks"),
    )


def _labels(rows: Sequence[Any], index: Index) -> Tensor:
    """Labels as `specc.backend.data.raw.Part` has them."""
    if index.task == REGRESSION:
        return torch.tensor(rows, dtype=torch.float64)
    if index.task != MULTILABEL:
        return torch.tensor(rows, dtype=torch.int64)
    labels = torch.zeros(len(rows), len(index.classes))
    for row, tags in enumerate(rows):
        labels[row, tags] = 1
    return labels
