"""The first look at image files: every one is opened, and all that cannot be used are named at once, in one list.

A data set is never silently wrong: no file is left out unless the spec says `skip_broken`, and then each is named.
"""

import hashlib
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from specc.backend.data.kept import Rows, Store, opened
from specc.backend.data.masks import mask_labels
from specc.backend.data.memory import Room, move_to_front
from specc.backend.data.parallel import ordered
from specc.backend.data.progress import bar
from specc.backend.data.raw import Files, Part
from specc.backend.data.reading import Reading, open_content
from specc.backend.data.records import UNSETTLED, Record, Row
from specc.backend.data.records import stamp as stamp_of
from specc.backend.data.remarks import NAMED, Shape, about_decoder, about_range, refuse_uneven, refused
from specc.backend.data.shards.images import PackedMasks
from specc.backend.data.survey import Feed, Surveyed, moments, picture_hash
from specc.backend.images import BadImage, Pixels, read_bytes
from specc.backend.resizing import stored
from specc.errors import clean, counted

NOT_DEEP = (-1, -1)


class _Seen(NamedTuple):
    """The findings about one valid file. pixels: None where they are kept and not needed in memory. picture: a hash of
    the pixels. row: where they are kept, if they are already. stamp: of the file. is_decoded: it was, just now."""

    shape: Shape
    pixels: Pixels | None
    digest: bytes
    picture: bytes
    facts: "_Facts"
    stamp: bytes
    row: Row | None = None
    is_decoded: bool = False


class _Facts(NamedTuple):
    """What is found out about the pixels: the range of a 16-bit image, and in each channel the sum of the levels and
    of their squares."""

    deep: tuple[int, int] | None
    sums: Sequence[float]
    squares: Sequence[float]

    def pack(self) -> bytes:
        return _layout(len(self.sums)).pack(*(self.deep or NOT_DEEP), *self.sums, *self.squares)


def _layout(channels: int) -> struct.Struct:
    return struct.Struct(f"<2i{2 * channels}d")


def _unpacked(facts: bytes, channels: int) -> _Facts:
    low, high, *sums = _layout(channels).unpack(facts)
    return _Facts(None if (low, high) == NOT_DEEP else (low, high), sums[:channels], sums[channels:])


class _Looked(NamedTuple):
    """The findings about the files of a part. broken: "NAME is damaged …". sizes: each with an example's name.
    deep: the ranges of the values of 16-bit images. jpegs: how many JPEG files were decoded now, to three channels."""

    surveyed: Surveyed | None
    broken: list[str]
    lost: set[int]
    sizes: Counter[Shape]
    example: dict[Shape, str]
    deep: list[tuple[int, int]]
    jpegs: int


def look_through(
    parts: Sequence[Part], classes: Sequence[str], how: Reading, ignore: int | None, room: int, feed: Feed
) -> tuple[list[Surveyed], list[str]]:
    """Look at every file of the parts, read as `how` says; `feed` gets what the sound ones are.

    ignore: the number in masks of pixels that do not count. room: bytes that decoded images may take; files that would
    take more are left as files.

    Gives the parts, and what there is to say: files that were left out, 16-bit images of few levels, or out of range, a
    faster decoder, and where decoded images are kept.

    Raises SpeccError: E405 images that cannot be used, E406 images of different sizes that are not resized.
    """
    first = parts[0].images
    assert isinstance(first, Files)
    looked: list[_Looked] = []
    is_complete = True
    size = _layout(how.channels).size
    with opened("images", first.root, how, size, is_packed=bool(first.places)) as store:
        for part in parts:
            looked.append(_look_at(part, how, ignore, room, feed, store))
            images = found.images if (found := looked[-1].surveyed) else None
            if isinstance(images, Files):
                is_complete &= images.kept is not None and None not in images.kept.rows
            elif isinstance(images, Tensor):
                room -= images.nbytes
    broken = [line for look in looked for line in look.broken]
    count = f"{len(broken):,} of {counted(sum(len(files) for files, *_ in parts), 'image')} in {clean(str(first.root))}"
    if broken and not first.skip_broken:
        raise refused(f"{count} cannot be used:", broken)
    emptied = sorted({classes[number] for look in looked for number in look.lost})
    if emptied:
        names = ", ".join(map(clean, emptied[:NAMED]))
        raise refused(f"{count} cannot be used, and without them a class has none left: {names}:", broken)
    sizes = sum((look.sizes for look in looked), Counter[Shape]())
    refuse_uneven(first.root, sizes, {shape: name for look in reversed(looked) for shape, name in look.example.items()})
    more = [f"and {len(broken) - NAMED:,} more"] if len(broken) > NAMED else []
    notes = [f"left out by skip_broken: {count}: {'; '.join([*broken[:NAMED], *more])}"] if broken else []
    notes += about_range([deep for look in looked for deep in look.deep], how.range)
    notes += about_decoder(sum(look.jpegs for look in looked))
    notes += store.about(is_complete=is_complete)
    return [look.surveyed for look in looked if look.surveyed], notes


def _seen(files: Files, number: int, how: Reading, store: Store, room: int, memory: Room) -> _Seen | str:
    """What is found out about a file; else what is wrong with it, completing "FILE …"."""
    try:
        return _look(files, number, how, store, room, memory)
    except BadImage as error:
        return clean(str(error))
    except OSError as error:
        return f"cannot be read: {error.strerror or clean(str(error))}"


def _look(files: Files, number: int, how: Reading, store: Store, room: int, memory: Room) -> _Seen:
    """What is known of a file, as far as it is as it was; else what is found out. Its pixels are put into `memory` if
    there is a place for them. Raises BadImage or OSError."""
    place = files.place(number)
    stamp = stamp_of([place]) if store.folder else UNSETTLED
    record = store.of_file(files.names[number], stamp)
    if record is not None and (known := _known(record, len(files), how, store, room)):
        return _placed(known, number, memory)
    content = read_bytes(*place)
    digest = hashlib.sha256(content).digest()
    if stamp != UNSETTLED and stamp_of([place]) != stamp:  # written while it was read
        stamp = UNSETTLED
    record = store.of_content(digest)
    if record is not None and (known := _known(record, len(files), how, store, room)):
        return _placed(known._replace(stamp=stamp), number, memory)
    pixels, _, deep = open_content(content, how, digest, partial(memory.place, number))
    sums, squares = moments(pixels)
    facts = _Facts(deep, sums.tolist(), squares.tolist())
    return _Seen(pixels.shape, pixels, digest, picture_hash(pixels), facts, stamp, is_decoded=True)


def _placed(seen: _Seen, number: int, memory: Room) -> _Seen:
    """The same with its pixels in `memory`, if there are some, and a place for them."""
    if seen.pixels is None or (place := memory.place(number, seen.shape)) is None:
        return seen
    return seen._replace(pixels=stored(seen.pixels, place))


def _known(record: Record, count: int, how: Reading, store: Store, room: int) -> _Seen | None:
    """What a record says; None where the pixels are needed, and not kept as they were.

    They are needed in memory if all `count` images fit into `room`, or else if they could be kept now.
    """
    size = prod(record.shape)
    is_needed = count * size <= room or store.is_rewritten or (record.row is None and store.has_room(size, count))
    pixels = store.sound(record) if is_needed else None
    if is_needed and pixels is None:
        return None
    facts = _unpacked(record.facts, how.channels)
    return _Seen(record.shape, pixels, record.digest, record.check, facts, record.stamp, record.row)


def _all_seen(files: Files, how: Reading, store: Store, room: int, memory: Room) -> Iterator[_Seen | str]:
    with bar(f"reading {files.root.name}", len(files), "images") as advance:
        for seen in ordered(lambda number: _seen(files, number, how, store, room, memory), range(len(files))):
            advance(1)
            yield seen


def _look_at(part: Part, how: Reading, ignore: int | None, room: int, feed: Feed, store: Store) -> _Looked:
    files, labels = part.images, part.labels
    assert isinstance(files, Files) and not isinstance(labels, PackedMasks)
    keys = labels.names if isinstance(labels, Files) else labels.tolist()
    broken: list[str] = []
    sizes: Counter[Shape] = Counter()
    example: dict[Shape, str] = {}
    memory = Room(len(files), room)
    kept: list[int] = []
    digests: list[bytes] = []
    pictures: list[bytes] = []
    rows: list[Row | None] = []
    deep: list[tuple[int, int]] = []
    jpegs = 0
    sums, squares = torch.zeros(2, len(files), how.channels, dtype=torch.float64).numpy()
    seen_files = _all_seen(files, how, store, room, memory)
    for number, (name, label, seen) in enumerate(zip(files.names, keys, seen_files, strict=True)):
        if isinstance(seen, str):
            broken.append(f"{clean(name)} {seen}")
            continue
        shape, pixels, facts = seen.shape, seen.pixels, seen.facts
        deep += [facts.deep] if facts.deep else []
        jpegs += how.channels == 3 and seen.is_decoded and name.lower().endswith((".jpg", ".jpeg"))
        sizes[shape] += 1
        example.setdefault(shape, name)
        sums[len(kept)], squares[len(kept)] = facts.sums, facts.squares
        record = Record(seen.stamp, seen.digest, seen.picture, shape, facts.pack(), seen.row)
        is_new = seen.row is None or store.is_rewritten
        rows.append(store.keep(name, record, pixels if is_new else None, len(files)))
        kept.append(number)
        digests.append(seen.digest)
        pictures.append(seen.picture)
        feed(f"{label} {name}\0".encode("utf-8", "surrogateescape") + seen.digest)  # no name holds a zero byte
    if not kept:
        return _Looked(None, broken, _classes(keys), sizes, example, deep, jpegs)
    channels, height, width = next(iter(sizes))
    left = mask_labels(labels.select(kept), how.resize, ignore, feed) if isinstance(labels, Files) else labels[kept]
    some = files.select(kept)
    images = None if memory.images is None else move_to_front(memory.images, kept)
    lasting = Rows(store, rows, pictures) if images is None and any(rows) else None
    stay = Files(some.root, some.names, digests=digests, places=some.places, kept=lasting)
    count = len(kept)
    surveyed = Surveyed(
        stay if images is None else images,
        left,
        (channels, height, width),
        torch.from_numpy(sums[:count]),
        torch.from_numpy(squares[:count]),
        pictures,
        some.names,
        [part.groups[number] for number in kept] if part.groups else (),
        root=some.root,
        is_movable=True,
    )
    return _Looked(surveyed, broken, _classes(keys) - _classes([keys[n] for n in kept]), sizes, example, deep, jpegs)


def _classes(labels: Sequence[Any]) -> set[int]:
    """The classes that there are among labels; none where these are no classes."""
    return {label for label in labels if isinstance(label, int)}
