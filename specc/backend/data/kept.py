"""What was found out about image files, and what they were decoded to, kept for the next start.

A store is a folder for the files below one root, read in one way. Its `index` holds a record for each file; its
segments, files `*.rows`, hold pixels, image after image. A record is believed if the file's size, times and inode are
those of when it was read, or else if its content has the same SHA-256; pixels are believed if they have the SHA-256 of
the record. So whatever is damaged, torn or old is decoded again. What cannot be kept is not kept, and nothing raises.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from specc.backend.data.cache import USED, limit, make_room, place
from specc.backend.data.records import MAGIC, UNSETTLED, Record, Row, Segment, pack, unpack
from specc.backend.images import Pixels
from specc.errors import clean, counted
from specc.files import open_file, read_file, write_atomic
from specc.locks import held
from specc.report.layers import byte_text

ROWS = ".rows"
SEGMENTS = 8  # more are written as one
OLD = 86_400  # seconds after which a segment that no index names is nobody's


class Rows:
    """The kept pixels of some images. Read by any thread; what is damaged is not given."""

    def __init__(self, store: "Store", rows: Sequence[Row | None], checks: Sequence[bytes]) -> None:
        self.store, self.rows, self.checks = store, rows, checks
        self._is_sound = bytearray(len(rows))

    def select(self, index: Sequence[int]) -> "Rows":
        return Rows(self.store, [self.rows[i] for i in index], [self.checks[i] for i in index])

    def read(self, number: int) -> Pixels | None:
        """The pixels of an image, in the file, mapped; None where they are not kept, or damaged."""
        row = self.rows[number]
        pixels = self.store.pixels(row) if row else None
        if pixels is None or self._is_sound[number]:
            return pixels
        if hashlib.sha256(pixels.reshape(-1).data).digest() != self.checks[number]:
            return None
        self._is_sound[number] = 1
        return pixels

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def count(self) -> int:
        """How many are kept."""
        return sum(row is not None for row in self.rows)


class Store:
    """Records and pixels of a root. Threads may ask; one thread adds."""

    def __init__(self, folder: Path | None, root: Path | None, facts: int) -> None:
        """folder: None keeps nothing. root: None for what lies in archives. facts: bytes of each record's facts."""
        self.folder, self.root, self.facts = folder, root, facts
        self.segments: list[Segment] = []
        self.records: dict[str, Record] = {}
        self.added: dict[str, Record] = {}
        self.seen: set[str] = set()
        self.problem = ""
        self._maps: dict[int, NDArray[np.uint8] | None] = {}
        self._contents: dict[bytes, Record] | None = None
        self._file: BinaryIO | None = None
        self._room: int | None = None
        self._lock = Lock()
        self.written = 0
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / USED).touch()
            except OSError as error:
                self.folder, self.problem = None, f"{folder}: {error.strerror}"
                return
            self.segments, self.records = self._load()
            for number in range(len(self.segments)):
                self._map(number)
            self._contents = {record.digest: record for record in self.records.values()}
        used = {record.row for record in self.records.values() if record.row}
        rows = sum(segment.rows for segment in self.segments)
        self.is_rewritten = len(self.segments) >= SEGMENTS or 2 * len(used) < rows
        self._current = len(self.segments)  # the number of the segment that is written

    # What is known

    def of_file(self, name: str, stamp: bytes) -> Record | None:
        """The record of a file that is as it was."""
        record = self.records.get(name)
        return record if record and record.stamp == stamp != UNSETTLED else None

    def of_content(self, digest: bytes) -> Record | None:
        """The record of any file of this content."""
        return self._contents.get(digest) if self._contents else None

    def pixels(self, row: Row) -> Pixels | None:
        """The pixels of a row, mapped, whatever they are; None where the segment is gone."""
        pixels = self._map(row.segment)
        return None if pixels is None or row.number >= len(pixels) else pixels[row.number]

    def sound(self, record: Record) -> Pixels | None:
        """The pixels of a record; None where they are not kept, or not what they were."""
        pixels = self.pixels(record.row) if record.row else None
        if pixels is None or pixels.shape != record.shape:
            return None
        return pixels if hashlib.sha256(pixels.reshape(-1).data).digest() == record.check else None

    def _map(self, number: int) -> NDArray[np.uint8] | None:
        if number not in self._maps:
            segment = self.segments[number]
            assert self.folder is not None
            try:
                with open_file(self.folder / segment.name) as file:
                    mapped = np.memmap(file, dtype=np.uint8, mode="c", shape=(segment.rows, *segment.shape))
                self._maps[number] = mapped.view(np.ndarray)
            except (OSError, ValueError):  # it is gone, or shorter than it was
                self._maps[number] = None
        return self._maps[number]

    # What is added

    def keep(self, name: str, record: Record, pixels: Pixels | None, count: int) -> Row | None:
        """Note a file, with the pixels that it was decoded to, or None where they are kept already.

        count: files that there are, by which it is decided whether there is room for all. Gives where the pixels are.
        """
        if self.folder is None:
            return None
        if name in self.seen and (earlier := self.added.get(name)) and earlier.check == record.check:
            return earlier.row
        row = record.row
        if pixels is not None:
            try:
                row = self._write(pixels, count) or row
            except OSError as error:
                self.problem, self._room = f"{self.folder}: {error.strerror or error}", 0
        record = record._replace(row=row)
        self.seen.add(name)
        if self.records.get(name) != record:
            self.added[name] = record
        return row

    def has_room(self, size: int, count: int) -> bool:
        """Whether there is room for all of `count` images, of `size` bytes each, that are not kept yet."""
        with self._lock:
            if self._room is None and self.folder is not None:
                kept = 0 if self.is_rewritten else sum(record.row is not None for record in self.records.values())
                needed = max(1, count - kept) * size
                try:
                    self._room = make_room(self.folder, needed)
                except OSError as error:
                    self.problem, self._room = f"{self.folder}: {error.strerror or error}", 0
                if needed > self._room and not self.problem:
                    room = byte_text(max(self._room, 0))
                    self.problem, self._room = f"they take {byte_text(needed)}, and there is room for {room}", 0
            return bool(self._room)

    def _write(self, pixels: Pixels, count: int) -> Row | None:
        assert self.folder is not None
        if not self.has_room(pixels.size, count):
            return None
        if self._file is None:
            handle, path = tempfile.mkstemp(suffix=ROWS, dir=self.folder)
            self._file = os.fdopen(handle, "wb")
            self.segments.append(Segment(Path(path).name, pixels.shape, 0))
        segment = self.segments[self._current]
        if segment.shape != pixels.shape or self.written + pixels.size > (self._room or 0):
            return None
        self._file.write(np.ascontiguousarray(pixels).reshape(-1).data)
        self.written += pixels.size
        self.segments[self._current] = segment._replace(rows=segment.rows + 1)
        return Row(self._current, segment.rows)

    # The index

    def close(self) -> None:
        """Write what was added. Another process that adds to the same store meanwhile loses nothing."""
        if self.folder is None:
            return
        try:
            if self._file is not None:
                self._file.close()
                self._map(self._current)
            gone = [name for name in self.records.keys() - self.seen if not self._is_there(name)]
            if self.added or gone:
                with held(self.folder / "lock"):
                    self._save(gone)
        except OSError as error:
            self.problem = f"{self.folder}: {error.strerror or error}"

    def _is_there(self, name: str) -> bool:
        """Whether a file that was not looked at may be looked at another time."""
        return not self.is_rewritten and (self.root is None or os.path.lexists(self.root / name))

    def _save(self, gone: Iterable[str]) -> None:
        """Our records, and those that another process has written since."""
        assert self.folder is not None
        segments, records = self._load()
        numbers = {segment.name: number for number, segment in enumerate(segments)}
        own = []
        for segment in self.segments:
            own.append(numbers.setdefault(segment.name, len(segments)))
            if own[-1] == len(segments):
                segments.append(segment)
        for name in gone:
            records.pop(name, None)
        for name, record in self.added.items():
            row = record.row and record.row._replace(segment=own[record.row.segment])
            records[name] = record._replace(row=row)
        used = sorted({record.row.segment for record in records.values() if record.row})
        place = {number: index for index, number in enumerate(used)}
        for name, record in records.items():
            if record.row:
                records[name] = record._replace(row=record.row._replace(segment=place[record.row.segment]))
        kept = [segments[number] for number in used]
        write_atomic(self.folder / "index", pack(kept, records, self.facts))
        self._sweep({segment.name for segment in kept}, {segment.name for segment in segments})

    def _sweep(self, kept: set[str], known: set[str]) -> None:
        """Remove the segments of which nothing is used, and those that a killed process has left."""
        assert self.folder is not None
        for path in self.folder.glob(f"*{ROWS}"):
            if path.name in kept:
                continue
            if path.name in known or path.stat().st_mtime < time.time() - OLD:
                path.unlink(missing_ok=True)

    def _load(self) -> tuple[list[Segment], dict[str, Record]]:
        """The index; nothing where there is none, or it is damaged."""
        assert self.folder is not None
        try:
            return unpack(read_file(self.folder / "index"), self.facts)
        except OSError:
            return [], {}

    # What is said of it

    def about(self, *, is_complete: bool) -> list[str]:
        """A note where images are kept, or cannot be kept: the folder is unusable, or each epoch decodes them again.

        is_complete: whether all are in memory or kept.
        """
        if self.problem and (self.folder is None or not is_complete):
            when = "the next start decodes them again" if is_complete else "every epoch decodes them"
            return [f"decoded images are not kept, so {when}: {clean(self.problem)}"]
        if not self.written:
            return []
        count = self.segments[self._current].rows
        what = f"kept: {counted(count, 'decoded image')}, {byte_text(self.written)}, in {clean(str(self.folder))}"
        return [f"{what}; the next start decodes only what has changed"]


@contextmanager
def opened(kind: str, root: Path, how: object, facts: int, *, is_packed: bool = False) -> Iterator[Store]:
    """The store of the files below a root, read as `how` says; what was added is written at the end, also on errors.

    kind: what the files are. facts: bytes of each record's facts. is_packed: they lie in archives below the root.
    """
    limit()
    store = Store(_folder(kind, root, how), None if is_packed else root, facts)
    try:
        yield store
    finally:
        store.close()


def _folder(kind: str, root: Path, how: object) -> Path | None:
    """Of a store: another one wherever a word, a version or a decoder could give other pixels."""
    from PIL import __version__ as pillow
    from PIL import features

    from specc import __version__

    above = place()
    if above is None:
        return None
    codecs = [features.version(name) for name in ("jpg", "libjpeg_turbo", "zlib", "webp", "libtiff")]
    parts = [MAGIC, kind, os.fsencode(root.resolve()), how, __version__, pillow, codecs, np.__version__]
    return above / hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
