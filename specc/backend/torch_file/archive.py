"""The table of contents of a ZIP archive as PyTorch writes it: entries are neither compressed nor encrypted.

Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3. Python's `zipfile` is not used because it builds an object for
every entry before one can ask how many there are.
"""

import struct
import zlib
from typing import BinaryIO, NamedTuple

from specc.backend.torch_file.problems import Damaged, Refused

MOST_ENTRIES = 100_000
MOST_TABLE = 1 << 24  # bytes
CHUNK = 1 << 20
TAIL = 22 + (1 << 16)  # the end of the table of contents and the longest comment
END, END_64, LOCATOR_64, ENTRY, LOCAL = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2", b"PK\3\4"
FULL, FULL_64 = 0xFFFF_FFFF, 1  # "see the 64-bit field", and that field's number


class Entry(NamedTuple):
    """A stored file: where its content begins, its bytes, their CRC-32."""

    start: int
    size: int
    crc: int


def read_table(file: BinaryIO, size: int) -> dict[str, Entry]:
    """The entries by name. Raises Damaged, Refused, OSError."""
    count, length, start = _end(file, size)
    if count > MOST_ENTRIES or length > MOST_TABLE:
        raise Refused(f"has {count:,} entries in {length:,} bytes; {MOST_ENTRIES:,} are allowed")
    table = _read(file, start, length, size)
    entries: dict[str, Entry] = {}
    at = 0
    for _ in range(count):
        if len(table) - at < 46 or table[at : at + 4] != ENTRY:
            raise Damaged("has a broken table of contents")
        flags, method, crc, packed, plain, name, extra, comment, local = struct.unpack(
            "<8x2H4xL2L3H8xL", table[at : at + 46]
        )
        end = at + 46 + name + extra + comment
        if end > len(table):
            raise Damaged("has a broken table of contents")
        text = table[at + 46 : at + 46 + name].decode("utf-8", "replace")
        if method or flags & 1:
            raise Refused(f"has the entry `{text[:80]}` {'encrypted' if flags & 1 else 'compressed'}")
        plain, packed, local = _wide((plain, packed, local), table[at + 46 + name : at + 46 + name + extra])
        if plain != packed:
            raise Damaged(f"has two sizes for the entry `{text[:80]}`")
        if text in entries:
            raise Damaged(f"has the entry `{text[:80]}` twice")
        entries[text] = Entry(_content(file, local, plain, size), plain, crc)
        at = end
    return entries


def check(file: BinaryIO, name: str, entry: Entry) -> None:
    """Raise Damaged where an entry's content is not what its checksum says."""
    file.seek(entry.start)
    crc, left = 0, entry.size
    while left and (chunk := file.read(min(CHUNK, left))):
        crc, left = zlib.crc32(chunk, crc), left - len(chunk)
    if left or crc != entry.crc:
        raise Damaged(f"has an entry `{name[:80]}` that does not match its checksum")


def content(file: BinaryIO, entry: Entry, most: int) -> bytes:
    """A small entry. Raises Refused where it has more than `most` bytes."""
    if entry.size > most:
        raise Refused(f"has an entry of {entry.size:,} bytes where at most {most:,} are allowed")
    file.seek(entry.start)
    return file.read(entry.size)


def _read(file: BinaryIO, start: int, length: int, size: int) -> bytes:
    """Bytes that the file has. Raises Damaged where it ends before."""
    if start + length > size:
        raise Damaged(f"ends after {size:,} bytes, but is described up to {start + length:,}")
    file.seek(start)
    data = file.read(length)
    if len(data) < length:
        raise Damaged("became shorter while it was read")
    return data


def _end(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """The number of entries, and length and place of the table of contents."""
    tail = _read(file, max(size - TAIL, 0), min(TAIL, size), size)
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < 22:
        raise Damaged("is a ZIP archive without an end: it was cut off")
    count, length, start, comment = struct.unpack("<10xHLLH", tail[at : at + 22])
    if at + 22 + comment != len(tail):
        raise Damaged("goes on after the end of the ZIP archive")
    if at >= 20 and tail[at - 20 : at - 16] == LOCATOR_64:
        (place,) = struct.unpack("<Q", tail[at - 12 : at - 4])
        end = _read(file, place, 56, size)
        if end[:4] != END_64:
            raise Damaged("has a broken table of contents")
        count, length, start = struct.unpack("<32x3Q", end)
    return count, length, start


def _wide(values: tuple[int, int, int], extra: bytes) -> tuple[int, int, int]:
    """Sizes and place, where they do not fit into 32 bits, from the extra field that holds them."""
    if FULL not in values:
        return values
    while len(extra) >= 4:
        number, length = struct.unpack("<2H", extra[:4])
        if number == FULL_64:
            field = extra[4 : 4 + length]
            wide = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            plain, packed, local = (next(wide, FULL) if one == FULL else one for one in values)
            return plain, packed, local
        extra = extra[4 + length :]
    return values


def _content(file: BinaryIO, local: int, length: int, size: int) -> int:
    """Where the content of an entry begins, of which the header at `local` says how long it is itself."""
    header = _read(file, local, 30, size)
    name, extra = struct.unpack("<26x2H", header)
    start: int = local + 30 + name + extra
    if header[:4] != LOCAL or start + length > size:
        raise Damaged("has an entry that is not where its table of contents says")
    return start
