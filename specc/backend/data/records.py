"""What is known of files that were read: a record for each, and how an index of records is written.

An index that is damaged, torn or of another version says nothing.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from specc.files import parse_json

MAGIC = b"specc decoded images 1\n"
SETTLED = 2_000_000_000  # ns: a file that changed so shortly ago could change again within one tick of its clock
UNSETTLED = bytes(32)  # a stamp that equals none

Shape = tuple[int, ...]


class Row(NamedTuple):
    """Where an image's pixels are: the number of the segment, and of the row in it."""

    segment: int
    number: int


class Record(NamedTuple):
    """What is known of a file. stamp: of its size, times and inode, as `stamp` gives it. digest: SHA-256 of
    its content. check: SHA-256 of its pixels. shape: of these. facts: what else was found out. row: where the pixels
    are kept, if they are."""

    stamp: bytes
    digest: bytes
    check: bytes
    shape: Shape
    facts: bytes
    row: Row | None


class Segment(NamedTuple):
    """A file of rows: its name in the store's folder, the shape of each row, and how many there are."""

    name: str
    shape: Shape
    rows: int


RECORD = np.dtype([
    ("stamp", "V32"), ("digest", "V32"), ("check", "V32"), ("shape", "<i4", (3,)), ("segment", "<i4"), ("row", "<i8"),
])  # fmt: skip

NO_ROW = (-1, -1)


def stamp(paths: Iterable[tuple[Path, int, int | None]]) -> bytes:
    """What changes when one of these files does, each given with the place of its content: start and length.

    UNSETTLED where one was changed so shortly ago that it might be changed again without being seen. Raises OSError.
    """
    parts, newest = [], 0
    for path, start, length in paths:
        status = path.stat()
        newest = max(newest, status.st_mtime_ns, status.st_ctime_ns)
        parts.append((status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, start, length))
    return UNSETTLED if newest + SETTLED > time.time_ns() else hashlib.sha256(repr(parts).encode()).digest()


def _layout(facts: int) -> np.dtype[np.void]:
    """Of a record in an index. facts: how many bytes."""
    return np.dtype([*((name, RECORD[name]) for name in RECORD.names or ()), ("facts", f"V{facts}")])


def pack(segments: Sequence[Segment], records: Mapping[str, Record], facts: int) -> bytes:
    """An index. facts: bytes of each record's facts."""
    arrays = np.zeros(len(records), _layout(facts))
    for index, record in enumerate(records.values()):
        arrays[index] = (*record[:3], record.shape, *(record.row or NO_ROW), record.facts)
    content = BytesIO()
    names = "\0".join(records).encode("utf-8", "surrogateescape")
    text = json.dumps(segments).encode()
    np.savez(content, records=arrays, names=np.frombuffer(names, np.uint8), segments=np.frombuffer(text, np.uint8))
    value = content.getvalue()
    return MAGIC + hashlib.sha256(value).digest() + value


def unpack(content: bytes, facts: int) -> tuple[list[Segment], dict[str, Record]]:
    """The segments and records of an index; none of one that is damaged, or has other facts."""
    start = len(MAGIC) + hashlib.sha256().digest_size
    if content[:start] != MAGIC + hashlib.sha256(memoryview(content)[start:]).digest():
        return [], {}
    try:
        with np.load(BytesIO(content[start:]), allow_pickle=False) as arrays:
            records, names, text = arrays["records"], arrays["names"].tobytes(), arrays["segments"].tobytes()
    except (OSError, ValueError, KeyError):
        return [], {}
    if records.dtype != _layout(facts):
        return [], {}
    segments = [Segment(name, tuple(shape), rows) for name, shape, rows in parse_json(text)]
    texts = names.decode("utf-8", "surrogateescape").split("\0")
    return segments, {name: _record(values) for name, values in zip(texts, records.tolist(), strict=True)}


def _record(values: tuple[Any, ...]) -> Record:
    stamp, digest, check, shape, segment, row, facts = values
    where = Row(segment, row) if segment >= 0 else None
    return Record(bytes(stamp), bytes(digest), bytes(check), tuple(map(int, shape)), bytes(facts), where)
