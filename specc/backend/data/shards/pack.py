"""Packing: the images of any source into shards, each decoded once, with an index.

A shard is made from a stretch of a part's images, so what it is made from is known before it is written: a packing that
was killed keeps the shards that are finished and continues after them.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from specc.backend.data.parallel import ordered
from specc.backend.data.places import Where
from specc.backend.data.progress import bar
from specc.backend.data.raw import Files, Given, Part, Raw, Unlabeled
from specc.backend.data.reading import Reading, reading
from specc.backend.data.remarks import NAMED, about_range, refused
from specc.backend.data.shards.images import Packed
from specc.backend.data.shards.index import FORMAT, Index, Shard, Table
from specc.backend.data.shards.item import Item, label_file, label_of, read_item
from specc.backend.data.shards.ledger import Finished, Ledger, cannot_write, ledger_of
from specc.backend.data.shards.write import ShardWriter, array_file
from specc.backend.images import Pixels
from specc.backend.resolve import resolve
from specc.errors import SpeccError, clean, counted
from specc.tricks.sections import DataSettings
from specc.vocabulary.family import Source
from specc.vocabulary.registry import component

SHARD_SIZE = 128_000_000  # bytes
JPEG_SHARE = 10  # pixels take about so many times the bytes of their JPEG file
WORDS = {"train": "training", "validation": "validation", "test": "test"}
WALKED = ("folder", "masks")  # sources that take whatever lies in their folder
MEMBER = 2048  # bytes that headers and padding of a sample take, about


class Packing(NamedTuple):
    """What was packed. file: the index. images: of each part. size: of all shards, in bytes. kept: the shards that were
    finished before. notes: what there is to say.

    hash: of the index, which is that of the data. was_complete: everything was there already.
    """

    file: Path
    hash: str
    shape: tuple[int, int, int]
    images: dict[str, int]
    shards: int
    size: int
    kept: int
    was_complete: bool
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {**self._asdict(), "file": str(self.file), "shape": list(self.shape), "notes": list(self.notes)}


def pack(
    data: DataSettings,
    out: Path,
    *,
    jpeg: int | None = None,
    shard_size: int = SHARD_SIZE,
    data_dir: Path | None = None,
    base: Path = Path(),
) -> Packing:
    """Write the images of a checked section `data` into shards, resized as it says.

    jpeg: the quality with which they are stored as JPEG files; None: as pixels. shard_size: about so many bytes has a
    shard. data_dir, base: as for `load`.

    Raises SpeccError: E522 where `out` holds something else, E481 where it cannot be written, E405 and E406 for images
    that cannot be used, and what the reader of the source raises.
    """
    source, how = data.source, reading(data)
    raw: Raw = resolve(component(Source, source).target)(source.args, Where(data_dir, base))
    if source.name in WALKED:
        _refuse_within(out, raw)
    with ledger_of(out) as ledger:
        job = _Job(raw, how, jpeg, shard_size, ledger)
        try:
            return job.run()
        except OSError as error:
            raise cannot_write(out, error) from None


class _Lines:
    """What was seen of the images. broken: a line for each that cannot be used. sizes: before they were resized.
    stored: how many there are of each shape in which they would be stored. deep: as `Item` has it."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.sizes: set[tuple[int, ...]] = set()
        self.stored: Counter[tuple[int, ...]] = Counter()
        self.deep: list[tuple[int, int]] = []

    def add(self, seen: dict[str, Any]) -> None:
        self.broken += seen["broken"]
        self.sizes |= set(map(tuple, seen["sizes"]))
        self.deep += [(low, high) for low, high in seen["deep"]]


class _Job:
    """A packing. shape: C, H, W of all images, known once the first one was read."""

    def __init__(self, raw: Raw, how: Reading, jpeg: int | None, shard_size: int, ledger: Ledger) -> None:
        self.raw, self.how, self.jpeg, self.shard_size, self.ledger = raw, how, jpeg, shard_size, ledger
        given: dict[str, Given] = {"train": raw.train, "validation": raw.validation, "test": raw.test}
        self.parts = {name: part for name, part in given.items() if isinstance(part, Part)}
        self.left = [_left(name, part) for name, part in given.items() if not isinstance(part, Part | None)]
        self.has_groups = any(part.groups for part in self.parts.values())
        self.lines = _Lines()
        self.shape: tuple[int, ...] | None = None
        self.kept = 0
        settings = (FORMAT, raw.task.name, raw.classes, raw.ignore, how.channels, how.range, how.resize, jpeg)
        self.settings = json.dumps(settings, default=str).encode()

    def run(self) -> Packing:
        was_complete = self.ledger.is_complete
        self._find_shape()
        shards = {name: self._part(name, part) for name, part in self.parts.items()}
        self._refuse_broken()
        assert self.shape is not None
        channels, height, width = self.shape
        index = Index(
            self.raw.task,
            self.raw.classes,
            (channels, height, width),
            "raw" if self.jpeg is None else "jpeg",
            self.jpeg,
            self.raw.ignore,
            {name: tuple(own) for name, own in shards.items()},
            {name: self.raw.names[name] for name in self.parts if name in self.raw.names},
            self.has_groups,
        )
        every = [shard for own in shards.values() for shard in own]
        content = index.content()
        self.ledger.complete(content, {shard.name for shard in every})
        return Packing(
            self.ledger.folder / "index.json",
            hashlib.sha256(content).hexdigest(),
            index.shape,
            {name: sum(shard.images for shard in own) for name, own in shards.items()},
            len(every),
            sum(shard.bytes for shard in every),
            self.kept,
            was_complete,
            tuple(self._notes()),
        )

    def _find_shape(self) -> None:
        """Read images until one is sound. Raises SpeccError E405 where none is."""
        part, broken = self.parts["train"], []
        for number in range(len(part.labels)):
            item = read_item(part, number, self.how, None, self.raw.ignore)
            if isinstance(item, Item):
                self.shape = item.shape
                return
            broken.append(f"{clean(_name(part, 'train', number))} {item}")
        raise refused("no image can be used:", broken)

    def _part(self, name: str, part: Part) -> list[Shard]:
        """The shards of a part, in the order of its images."""
        assert self.shape is not None
        channels, height, width = self.shape
        pixels = channels * height * width
        each = pixels // (1 if self.jpeg is None else JPEG_SHARE) + MEMBER
        if self.raw.task.per_pixel:
            each += height * width + MEMBER // 2
        step, count = max(1, self.shard_size // each), len(part.labels)
        shards: list[Shard] = []
        with bar(f"packing {WORDS[name]} images", count, "images") as advance:
            for first in range(0, count, step):
                numbers = range(first, min(first + step, count))
                finished = self._shard(part, name, f"{name}-{len(shards):06}", numbers)
                advance(len(numbers))
                if finished is not None:
                    shards.append(finished)
        return shards

    def _shard(self, part: Part, part_name: str, name: str, numbers: range) -> Shard | None:
        """A shard of these images; None where it would be empty, or images of it cannot be used."""
        assert self.shape is not None
        recipe = self._recipe(part, part_name, numbers)
        kept = self.ledger.kept(name, recipe)
        if kept is not None:
            self.kept += 1
            self.lines.add(kept.seen)
            self.lines.stored[self.shape] += kept.shard.images
            return kept.shard
        seen: dict[str, Any] = {"broken": [], "sizes": [], "deep": []}
        writer = ShardWriter(self.ledger.path(name))
        try:
            table = self._written(writer, part, part_name, numbers, seen)
            self.lines.add(seen)
            is_spoiled = len(self.lines.stored) > 1 or (self.lines.broken and not _skips(self.raw))
            if is_spoiled or not table.names:
                return None
            length, digest = writer.finish()
            content = table.content()
            shard = Shard(name, len(table.names), length, digest, hashlib.sha256(content).hexdigest())
            self.ledger.add(Finished(recipe, shard, seen), content)
            return shard
        finally:
            writer.abandon()

    def _written(self, writer: ShardWriter, part: Part, part_name: str, numbers: range, seen: dict[str, Any]) -> Table:
        """The images of a shard, written, and its table."""
        table = Table([], [], [], [], [], [], [], [], [], [])
        items = ordered(lambda number: read_item(part, number, self.how, self.jpeg, self.raw.ignore), numbers)
        for number, item in zip(numbers, items, strict=True):
            name = _name(part, part_name, number)
            if isinstance(item, str):
                seen["broken"].append(f"{clean(name)} {item}")
                continue
            seen["sizes"] = sorted({*map(tuple, seen["sizes"]), item.size})
            seen["deep"] += [item.deep] if item.deep else []
            self.lines.stored[item.shape] += 1
            key = f"{number:09}"
            if isinstance(item.stored, bytes):
                table.offsets.append(writer.add(f"{key}.jpg", item.stored))
                table.lengths.append(len(item.stored))
            else:
                table.offsets.append(_add_array(writer, f"{key}.npy", item.stored))
                table.lengths.append(item.stored.nbytes)
            if item.mask is None:
                assert isinstance(part.labels, Tensor)
                label = label_of(part.labels, number, self.raw.task)
                ending, content = label_file(label, self.raw.task)
                writer.add(f"{key}.{ending}", content)
            else:
                label = _add_array(writer, f"{key}.mask.npy", item.mask)
                table.masks.append(hashlib.sha256(item.mask.tobytes()).digest())
            table.labels.append(label)
            table.names.append(name)
            table.hashes.append(item.digest)
            table.pictures.append(item.picture)
            table.sums.append(item.sums)
            table.squares.append(item.squares)
            if self.has_groups:
                table.groups.append(part.groups[number] if part.groups else f"{part_name} {number}")
        return table

    def _recipe(self, part: Part, name: str, numbers: range) -> str:
        """SHA-256 over all that a shard is made from; of files their size and time stand for the content."""
        digest = hashlib.sha256(self.settings)
        digest.update(json.dumps([name, numbers.start, numbers.stop]).encode())
        for values in (part.images, part.labels):
            if isinstance(values, Tensor):
                digest.update(values[numbers.start : numbers.stop].contiguous().numpy().tobytes())
            elif isinstance(values, Files):
                for number in numbers:
                    digest.update(_file_recipe(values, number))
            else:
                images = values if isinstance(values, Packed) else values.images
                digest.update(images.index.hash.encode())
        digest.update(json.dumps([part.groups[number] for number in numbers] if part.groups else []).encode())
        return digest.hexdigest()

    def _refuse_broken(self) -> None:
        """Raise SpeccError E405 for images that cannot be used, E406 for images of several sizes."""
        lines = self.lines
        count = f"{len(lines.broken):,} of {counted(sum(len(part.labels) for part in self.parts.values()), 'image')}"
        if lines.broken and not _skips(self.raw):
            raise refused(f"{count} cannot be used:", lines.broken)
        if len(lines.stored) > 1:
            shown = [f"  {number:,} of {shape[1]}x{shape[2]}" for shape, number in lines.stored.most_common(NAMED)]
            _, height, width = lines.stored.most_common(1)[0][0]
            help = f"give one size to all with --size {height}x{width}, or with `resize` in the section `data`"
            raise SpeccError("E406", ["the images differ in size:", *shown], help=help, status=1)

    def _notes(self) -> list[str]:
        notes = [*self.raw.notes, *self.left]
        broken = self.lines.broken
        if broken:
            more = [f"and {len(broken) - NAMED:,} more"] if len(broken) > NAMED else []
            notes.append(
                f"left out by skip_broken: {counted(len(broken), 'image')}: {'; '.join(broken[:NAMED] + more)}"
            )
        notes += about_range(self.lines.deep, self.how.range)
        assert self.shape is not None
        stored, sizes = self.shape[1:], sorted(self.lines.sizes, key=lambda size: size[0] * size[1])
        if self.how.resize is not None and sizes != [stored]:
            low, high = ("x".join(map(str, sizes[place])) for place in (0, -1))
            reach = f"from {low}" + (f" to {high}" if high != low else "")
            how = self.how.resize
            notes.append(f"resized to {how.size} ({how.fit}, {how.by}); the images were {reach}")
        if self.jpeg is not None:
            notes.append(f"stored as JPEG of quality {self.jpeg}, which does not keep every pixel")
        return notes


def _add_array(writer: ShardWriter, name: str, pixels: Pixels) -> int:
    """Add an array to a shard; the offset of its pixels."""
    content, start = array_file(pixels)
    return writer.add(name, content) + start


def _name(part: Part, part_name: str, number: int) -> str:
    images = part.images
    if isinstance(images, Tensor):
        return f"{WORDS[part_name]} image {number:,}"
    return images.names[number] if isinstance(images, Files) else images.name(number)


def _file_recipe(files: Files, number: int) -> bytes:
    path = files.places[number].archive if files.places else files.root / files.names[number]
    try:
        status = path.stat()
        about = (status.st_size, status.st_mtime_ns)
    except OSError:
        about = (-1, -1)
    place = list(files.places[number][1:]) if files.places else []
    return json.dumps([files.names[number], place, about]).encode()


def _skips(raw: Raw) -> bool:
    return isinstance(raw.train.images, Files) and raw.train.images.skip_broken


def _left(name: str, given: Given) -> str:
    """What there is to say of a part that is not packed."""
    if isinstance(given, Unlabeled):
        return f"left out: the {name} part, {given.about}"
    assert isinstance(given, SpeccError)
    return f"left out: the {name} part; {given.message.splitlines()[0]}"


def _refuse_within(out: Path, raw: Raw) -> None:
    """Raise SpeccError E522 where the shards would lie among the images, and be taken for some at the next reading."""
    for values in (raw.train.images, raw.train.labels):
        if isinstance(values, Files) and out.resolve().is_relative_to(values.root.resolve()):
            message = clean(f"{out} lies in {values.root}, from where the images are read")
            raise SpeccError("E522", message, help="choose a folder outside of it with --out")
