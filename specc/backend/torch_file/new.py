"""The layout of PyTorch since 1.6: a ZIP archive of `NAME/data.pkl`, the value, and `NAME/data/KEY`, its storages.

`NAME/byteorder` says in which order the bytes of a number are; without it they are little-endian. Source:
`torch.serialization._save` and `_load`.
"""

from typing import BinaryIO

from specc.backend.torch_file.archive import check, content, read_table
from specc.backend.torch_file.layout import Saved, refuse_overlap
from specc.backend.torch_file.pickled import MOST_BYTES, interpret
from specc.backend.torch_file.problems import Damaged, Refused
from specc.backend.torch_file.values import Storage

ORDERS = {b"little": False, b"big": True}


def read_new(file: BinaryIO, size: int) -> Saved:
    """Raises Damaged, Refused, OSError."""
    entries = read_table(file, size)
    roots = [name.removesuffix("data.pkl") for name in entries if f"/{name}".endswith("/data.pkl")]
    if len(roots) != 1:
        raise Refused(f"is a ZIP archive with {len(roots)} entries called `data.pkl`; torch.save writes one")
    (root,) = roots
    if f"{root}constants.pkl" in entries:
        raise Refused("is a TorchScript program, not a table of weights")
    order = content(file, entries[f"{root}byteorder"], 64) if f"{root}byteorder" in entries else b"little"
    if order not in ORDERS:
        raise Refused(f"has its numbers in the byte order {order!r}")
    table = entries[f"{root}data.pkl"]
    data = content(file, table, MOST_BYTES)
    check(file, "data.pkl", table)
    storages: dict[str, Storage] = {}
    value, end = interpret(data, 0, storages)
    if end != len(data):
        raise Damaged("goes on after the end of its table of tensors")
    for key, storage in storages.items():
        entry = entries.get(f"{root}data/{key}")
        if entry is None:
            raise Damaged(f"has no storage `{key[:40]}`, which its tensors need")
        if entry.size != storage.length * storage.dtype.itemsize:
            raise Damaged(f"has a storage `{key[:40]}` of {entry.size:,} bytes, other than its tensors need")
        storage.start = entry.start
    refuse_overlap(storages.values(), size)
    for key in storages:
        check(file, f"data/{key}", entries[f"{root}data/{key}"])
    return Saved(value, ORDERS[order])
