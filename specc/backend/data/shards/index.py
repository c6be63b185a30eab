"""What the index of packed data says: the parts, their shards, and what is learned. Read without NumPy or torch, since
`specc check` asks, too.

`index.json` names every shard with its SHA-256 and that of its table, so its own hash stands for all of the content.
A shard is a tar file in WebDataset's layout; its table, `NAME.json`, says where in it each image lies.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.data.paths import find_path
from specc.backend.data.places import Where
from specc.errors import SpeccError, clean
from specc.files import json_bytes, parse_json, read_file
from specc.tasks import REGRESSION, SEGMENTATION, TASKS, Task
from specc.values import Args

INDEX = "index.json"
FORMAT = 1
MOST_INDEX = 1 << 26  # bytes; an index of 100,000 shards has a third of that
MOST_TABLE = 1 << 28  # bytes
MOST_BYTES = 1 << 40  # of a shard
MOST_IMAGES = 1 << 31  # of a shard
LONGEST = 1 << 14  # pixels of a side
PARTS = ("train", "validation", "test")
ENCODINGS = ("raw", "jpeg")
SHARD = re.compile(r"(?:train|validation|test)-\d{6}")
HASH = re.compile(r"[0-9a-f]{64}")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # one letter before a colon is a drive of Windows


class Shard(NamedTuple):
    """A shard. name: without its ending, such as `train-000000`. images: how many it holds. bytes: of the tar file.

    sha256: of the tar file, table: of the table beside it, in hex digits.
    """

    name: str
    images: int
    bytes: int
    sha256: str
    table: str


class Index(NamedTuple):
    """Packed data. shape: C, H, W of every image, as stored. encoding: "raw", or "jpeg" of this quality.

    classes: what the network's outputs are called. ignore: the number in masks of pixels that do not count.
    parts: the shards of each, in order. names: what the source called its parts. groups: whether images have any.
    hash: SHA-256 of the file, in hex digits.
    """

    task: Task
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    encoding: str
    quality: int | None
    ignore: int | None
    parts: dict[str, tuple[Shard, ...]]
    names: dict[str, str]
    groups: bool
    hash: str = ""

    def content(self) -> bytes:
        """The file. The same data give the same bytes, wherever and whenever they are packed."""
        return json_bytes(
            {
                "format": FORMAT,
                "task": self.task.name,
                self.task.outputs: list(self.classes),
                "shape": list(self.shape),
                "encoding": self.encoding,
                "quality": self.quality,
                "ignore": self.ignore,
                "groups": self.groups,
                "names": self.names,
                "parts": {
                    name: {
                        "images": sum(shard.images for shard in shards),
                        "shards": [shard._asdict() for shard in shards],
                    }
                    for name, shards in self.parts.items()
                },
            }
        )


class NoIndex(ValueError):
    """What is wrong with an index or a table; the message completes "FILE …"."""


def parse_index(content: bytes) -> Index:
    """What an index says. Raises NoIndex."""
    values = parsed(content)
    task = TASKS.get(_text(values, "task"))
    if task is None:
        raise NoIndex("names a task that there is not")
    classes = values.get(task.outputs)
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) and name for name in classes):
        raise NoIndex(f"does not name the {task.outputs}")
    if len(set(classes)) < len(classes):
        raise NoIndex(f"names one of the {task.outputs} twice")
    shape, encoding, quality = values.get("shape"), _text(values, "encoding"), values.get("quality")
    if not isinstance(shape, list) or len(shape) != 3 or not all(_whole(side, 1, LONGEST) for side in shape):
        raise NoIndex("does not say the shape of its images")
    if shape[0] not in (1, 3) or encoding not in ENCODINGS:
        raise NoIndex(f"holds images of {shape[0]} channels as {clean(encoding)}, which are not read")
    if quality is not None and not _whole(quality, 1, 100):
        raise NoIndex("has an impossible quality")
    ignore = values.get("ignore")
    if (task == SEGMENTATION) != _whole(ignore, 0, 255):
        raise NoIndex("does not say which number in masks is ignored, or has no masks and says it")
    parts = values.get("parts")
    if not isinstance(parts, dict) or "train" not in parts or not set(parts) <= set(PARTS):
        raise NoIndex("does not list the parts")
    names = values.get("names")
    if not isinstance(names, dict) or not all(key in PARTS and isinstance(text, str) for key, text in names.items()):
        raise NoIndex("has parts without proper names")
    channels, height, width = shape
    return Index(
        task,
        tuple(classes),
        (channels, height, width),
        encoding,
        quality,
        ignore,
        {name: _shards(name, parts[name]) for name in PARTS if name in parts},
        names,
        values.get("groups") is True,
        hashlib.sha256(content).hexdigest(),
    )


def parsed(content: bytes) -> dict[str, Any]:
    """The object in a JSON file of this format. Raises NoIndex."""
    try:
        values = parse_json(content)
    except ValueError as error:
        raise NoIndex(f"is not JSON: {error}") from None
    found = values.get("format") if isinstance(values, dict) else None
    if not _whole(found, 1, 1 << 31):
        raise NoIndex("is not of packed data: it says no `format`")
    if found != FORMAT:
        raise NoIndex(f"has the format {found}, but this version of specc reads format {FORMAT}")
    result: dict[str, Any] = values
    return result


def _shards(part: str, given: Any) -> tuple[Shard, ...]:
    rows = given.get("shards") if isinstance(given, dict) else None
    if not isinstance(rows, list) or not rows:
        raise NoIndex(f"lists no shards of the {part} part")
    shards = []
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) != set(Shard._fields):
            raise NoIndex(f"does not describe shard {number} of the {part} part")
        shard = Shard(**row)
        hashes = (shard.sha256, shard.table)
        if not all(isinstance(text, str) and HASH.fullmatch(text) for text in hashes) or not (
            _whole(shard.images, 1, MOST_IMAGES) and _whole(shard.bytes, 1, MOST_BYTES)
        ):
            raise NoIndex(f"does not describe shard {number} of the {part} part")
        if shard.name != f"{part}-{number:06}":
            raise NoIndex(f"calls shard {number} of the {part} part something else")
        shards.append(shard)
    if given.get("images") != sum(shard.images for shard in shards):
        raise NoIndex(f"says another number of images of the {part} part than its shards hold")
    return tuple(shards)


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


class Table(NamedTuple):
    """Where the images of a shard lie in it, and what there is to know of each.

    offsets: of the first byte. lengths: of the bytes: pixels, channel by channel, or a JPEG file. hashes: SHA-256 of
    these bytes. pictures: SHA-256 of the pixels. sums, squares: of the levels of each channel, as `survey.moments` has
    them. labels: a class, a list of tags, or a list of numbers for each image; where it is a mask, the offset of its
    pixels, and `masks` has their hashes. groups: none where nothing is said.
    """

    names: list[str]
    offsets: list[int]
    lengths: list[int]
    hashes: list[bytes]
    pictures: list[bytes]
    sums: list[list[int]]
    squares: list[list[int]]
    labels: list[Any]
    masks: list[bytes]
    groups: list[str]

    def content(self) -> bytes:
        """The file."""
        hexed = {name: [value.hex() for value in getattr(self, name)] for name in HASHED}
        return json_bytes({"format": FORMAT, **self._asdict(), **hexed}, indent=None)


HASHED = ("hashes", "pictures", "masks")


def parse_table(content: bytes, index: Index, shard: Shard) -> Table:
    """The table of a shard. Raises NoIndex."""
    values = parsed(content)
    columns = {name: values.get(name) for name in Table._fields}
    for name, column in columns.items():
        wanted = {"masks": index.task == SEGMENTATION, "groups": index.groups}.get(name, True)
        if not isinstance(column, list) or len(column) != (shard.images if wanted else 0):
            raise NoIndex(f"has other `{name}` than {shard.images:,}")
        if name in HASHED:
            if not all(isinstance(text, str) and HASH.fullmatch(text) for text in column):
                raise NoIndex(f"has `{name}` that are none")
            columns[name] = [bytes.fromhex(text) for text in column]
    table = Table(**columns)  # type: ignore[arg-type]
    channels, height, width = index.shape
    if not all(isinstance(text, str) for text in [*table.names, *table.groups]):
        raise NoIndex("has names that are no text")
    raw = channels * height * width
    for offset, length in zip(table.offsets, table.lengths, strict=True):
        if not _whole(length, 1, shard.bytes) or not _whole(offset, 0, shard.bytes - length):
            raise NoIndex("has an image outside of its shard")
        if index.encoding == "raw" and length != raw:
            raise NoIndex(f"has an image of {length:,} bytes, but {channels} x {height} x {width} take {raw:,}")
    for rows in (table.sums, table.squares):
        if not all(_row(row, channels, 255 * 255 * height * width) for row in rows):
            raise NoIndex("has no proper sums of levels")
    if not all(_is_label(label, index, shard) for label in table.labels):
        raise NoIndex(f"has labels that are not {index.task.outputs}")
    return table


def _row(row: Any, count: int, most: int) -> bool:
    return isinstance(row, list) and len(row) == count and all(_whole(value, 0, most) for value in row)


def _is_label(label: Any, index: Index, shard: Shard) -> bool:
    count = len(index.classes)
    if index.task == SEGMENTATION:
        return _whole(label, 0, shard.bytes - index.shape[1] * index.shape[2])
    if index.task == REGRESSION:
        is_row = isinstance(label, list) and len(label) == count
        return is_row and all(isinstance(x, int | float) and not isinstance(x, bool) and abs(x) < 1e308 for x in label)
    if isinstance(label, list):
        return index.task.name == "multi-label" and all(_whole(tag, 0, count - 1) for tag in label)
    return index.task.name == "classification" and _whole(label, 0, count - 1)


def local_path(text: str) -> str | None:
    """The path in the source's argument, which may be a `file://` address; None where that is elsewhere."""
    if text.startswith("file://"):
        return text.removeprefix("file://")
    return None if URL.match(text) else text


def shape_of(a: Args, where: Where) -> tuple[int, int, int] | str:
    """Channels, height and width of the images that `packed` trains on; a text where no local index tells."""
    index = _looked_up(a, where)
    return index if isinstance(index, str) else index.shape


def labels_of(a: Args, where: Where) -> tuple[Task, Sequence[str]] | None:
    """The task of packed data and what a network has to give; None where no local index tells."""
    index = _looked_up(a, where)
    return None if isinstance(index, str) else (index.task, index.classes)


def _looked_up(a: Args, where: Where) -> Index | str:
    text = local_path(a.path)
    if text is None:
        return f"{clean(a.path)} is not on this machine, and a check fetches nothing"
    try:
        path = find_path(text, where, "folder") / INDEX
        return parse_index(read_file(path, MOST_INDEX))
    except SpeccError as error:
        return error.message.splitlines()[0]
    except OSError as error:
        return clean(f"{path} cannot be read: {error.strerror or error}")
    except NoIndex as error:
        return clean(f"{path} {error}")


def read_local(folder: Path) -> Index:
    """The index in a folder. Raises SpeccError E521 where it is none, OSError where it cannot be read."""
    try:
        return parse_index(read_file(folder / INDEX, MOST_INDEX))
    except NoIndex as error:
        raise bad_index(f"{folder / INDEX} {error}") from None


def bad_index(message: str) -> SpeccError:
    """E521: an index or a table that cannot be right."""
    help = "give a folder that `specc pack` has finished, or pack the data again"
    return SpeccError("E521", clean(message), help=help, status=1)
