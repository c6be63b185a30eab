"""The layout of PyTorch before 1.6: five pickles (a magic number, a version, the machine, the value, the keys of
its storages), then each storage: its length as 8 bytes, and its numbers, little-endian whatever the machine.

Source: `torch.serialization._legacy_save` and `_legacy_load`.
"""

from typing import BinaryIO

from specc.backend.torch_file.layout import Saved, refuse_overlap
from specc.backend.torch_file.pickled import MOST_BYTES, interpret
from specc.backend.torch_file.problems import Damaged, Refused
from specc.backend.torch_file.values import Storage

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001


def read_old(file: BinaryIO, size: int) -> Saved:
    """Raises Damaged, Refused, OSError."""
    file.seek(0)
    data = file.read(MOST_BYTES)
    storages: dict[str, Storage] = {}
    magic, at = interpret(data, 0, storages)
    if magic != MAGIC:
        raise Refused("is a pickle, but not one that torch.save wrote")
    version, at = interpret(data, at, storages)
    if version != VERSION:
        raise Refused(f"has version {str(version)[:40]} of the layout; {VERSION} is known")
    machine, at = interpret(data, at, storages)
    if not isinstance(machine, dict):
        raise Damaged("does not describe the machine that wrote it")
    value, at = interpret(data, at, storages)
    keys, at = interpret(data, at, storages)
    if not (isinstance(keys, list) and all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys)):
        raise Damaged("has no list of its storages")
    if set(keys) != storages.keys():
        raise Damaged("has a list of storages that is not that of its tensors")
    for storage in map(storages.__getitem__, keys):
        file.seek(at)
        length = file.read(8)
        if len(length) < 8:
            raise Damaged(f"ends before the storage `{storage.key[:40]}`")
        if int.from_bytes(length, "little", signed=True) != storage.length:
            raise Damaged(f"has a storage `{storage.key[:40]}` of another length than its tensors need")
        storage.start = at + 8
        at = storage.start + storage.length * storage.dtype.itemsize
    refuse_overlap(storages.values(), size)
    if at != size:
        raise Damaged(f"goes on after its end: it has {size:,} bytes, of which {at:,} are described")
    return Saved(value, is_big=False)
