"""The first look at image files: every one is opened, and all that cannot be used are named at once, in one list.

A data set is never silently wrong: no file is left out unless the spec says `skip_broken`, and then each is named.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from specc.backend.data.parallel import ordered
from specc.backend.data.progress import bar
from specc.backend.data.raw import Files
from specc.backend.data.survey import Feed, Surveyed, moments, picture_hash
from specc.backend.images import BadImage, Pixels, decode_image, resize
from specc.errors import SpeccError, clean
from specc.values import Size

NAMED = 20  # broken files that a message names
RGB = 3
DEEPEST = 65_535  # the highest value of 16 bits

Shape = tuple[int, ...]


class Opened(NamedTuple):
    """A sound image file as it is trained on: uint8 RGB 3 x H x W, and the SHA-256 of its bytes. deep: the range of
    the values of a 16-bit image."""

    pixels: Pixels
    digest: bytes
    deep: tuple[int, int] | None = None


class _Seen(NamedTuple):
    """The findings about one valid file."""

    opened: Opened
    picture: bytes
    sums: Tensor
    squares: Tensor


class _Looked(NamedTuple):
    """The findings about the files of a part. broken: "NAME is damaged …". sizes: each with an example's name.
    deep: the ranges of the values of 16-bit images."""

    surveyed: Surveyed | None
    broken: list[str]
    lost: set[int]
    sizes: Counter[Shape]
    example: dict[Shape, str]
    deep: list[tuple[int, int]]


def open_image(files: Files, number: int, size: Size | None) -> Opened:
    """An image file, read once. Raises BadImage or OSError."""
    content = files.content(number)
    pixels, deep = decode_image(content, RGB)
    return Opened(pixels if size is None else resize(pixels, size), hashlib.sha256(content).digest(), deep)


def look_through(
    parts: Sequence[tuple[Files, Tensor]], classes: Sequence[str], size: Size | None, room: int, feed: Feed
) -> tuple[list[Surveyed], list[str]]:
    """Look at every file of the parts, resized to `size` where one is given; `feed` gets what the sound ones are.

    parts: files and their labels, int64 N. room: bytes that decoded images may take; files that would take more are
    left as files.

    Gives the parts, and what there is to say: files that were left out, 16-bit images of few levels.

    Raises SpeccError: E405 images that cannot be used, E406 images of different sizes and no `size`.
    """
    looked: list[_Looked] = []
    for files, labels in parts:
        looked.append(_look_at(files, labels, size, room, feed))
        found = looked[-1].surveyed
        room -= found.images.nbytes if found and isinstance(found.images, Tensor) else 0
    first = parts[0][0]
    broken = [line for look in looked for line in look.broken]
    count = f"{len(broken):,} of {sum(len(files) for files, _ in parts):,} images in {clean(str(first.root))}"
    if broken and not first.skip_broken:
        raise _refused(f"{count} cannot be used:", broken)
    emptied = sorted({classes[number] for look in looked for number in look.lost})
    if emptied:
        names = ", ".join(map(clean, emptied[:NAMED]))
        raise _refused(f"{count} cannot be used, and without them a class has none left: {names}:", broken)
    _refuse_uneven(first.root, looked)
    more = [f"and {len(broken) - NAMED:,} more"] if len(broken) > NAMED else []
    notes = [f"left out by skip_broken: {count}: {'; '.join([*broken[:NAMED], *more])}"] if broken else []
    notes += _of_few_levels([deep for look in looked for deep in look.deep])
    return [look.surveyed for look in looked if look.surveyed], notes


def _seen(files: Files, number: int, size: Size | None) -> _Seen | str:
    """The findings about a file; else what is wrong with it, completing "FILE …"."""
    try:
        opened = open_image(files, number, size)
    except BadImage as error:
        return clean(str(error))
    except OSError as error:
        return f"cannot be read: {error.strerror or clean(str(error))}"
    return _Seen(opened, picture_hash(opened.pixels), *moments(opened.pixels))


def _all_seen(files: Files, size: Size | None) -> Iterator[_Seen | str]:
    with bar(f"reading {files.root.name}", len(files), "images") as advance:
        for seen in ordered(lambda number: _seen(files, number, size), range(len(files))):
            advance(1)
            yield seen


def _look_at(files: Files, labels: Tensor, size: Size | None, room: int, feed: Feed) -> _Looked:
    broken: list[str] = []
    sizes: Counter[Shape] = Counter()
    example: dict[Shape, str] = {}
    images: Tensor | None = None
    kept: list[int] = []
    digests: list[bytes] = []
    pictures: list[bytes] = []
    deep: list[tuple[int, int]] = []
    sums, squares = torch.zeros(2, len(files), RGB, dtype=torch.float64)
    for number, (name, label, seen) in enumerate(
        zip(files.names, labels.tolist(), _all_seen(files, size), strict=True)
    ):
        if isinstance(seen, str):
            broken.append(f"{clean(name)} {seen}")
            continue
        pixels, digest, values = seen.opened
        deep += [values] if values else []
        if not sizes and len(files) * pixels.size <= room:
            images = torch.empty(len(files), *pixels.shape, dtype=torch.uint8)
        sizes[pixels.shape] += 1
        example.setdefault(pixels.shape, name)
        if images is not None and pixels.shape == images.shape[1:]:
            images.numpy()[len(kept)] = pixels
        sums[len(kept)], squares[len(kept)] = seen.sums, seen.squares
        kept.append(number)
        digests.append(digest)
        pictures.append(seen.picture)
        feed(f"{label} {name}\0".encode("utf-8", "surrogateescape") + digest)  # no name holds a zero byte
    if not kept:
        return _Looked(None, broken, set(labels.tolist()), sizes, example, deep)
    (channels, height, width), left = next(iter(sizes)), labels[kept]
    some = files.select(kept)
    stay = Files(some.root, some.names, digests=digests, places=some.places)
    count = len(kept)
    surveyed = Surveyed(
        stay if images is None else images[:count],
        left,
        (channels, height, width),
        sums[:count],
        squares[:count],
        pictures,
        some.names,
    )
    return _Looked(surveyed, broken, set(labels.tolist()) - set(left.tolist()), sizes, example, deep)


def _of_few_levels(deep: Sequence[tuple[int, int]]) -> list[str]:
    """A note for 16-bit images that use less than a quarter of their range. deep: the lowest and highest value."""
    if not deep:
        return []
    low, high = min(low for low, _ in deep), max(high for _, high in deep)
    if high - low >= DEEPEST // 4:
        return []
    levels = round(high / 257) - round(low / 257) + 1
    what = f"{len(deep):,} images of 16 bits use only values from {low:,} to {high:,} of 0 to {DEEPEST:,}"
    return [f"{what}: read as 8 bits they have {levels} levels; stretch them to the whole range before the training"]


def _refused(what: str, broken: list[str]) -> SpeccError:
    named = [f"  {line}" for line in broken[:NAMED]]
    more = [f"  and {len(broken) - NAMED:,} more"] if len(broken) > NAMED else []
    help = "repair or remove these files, or set skip_broken=true in `source` to train without them"
    return SpeccError("E405", [what, *named, *more], help=help, status=1)


def _refuse_uneven(root: Path, looked: Sequence[_Looked]) -> None:
    """Raise SpeccError E406 where images differ in size."""
    sizes = sum((look.sizes for look in looked), Counter[Shape]())
    if len(sizes) == 1:
        return
    example = {shape: name for look in reversed(looked) for shape, name in look.example.items()}
    lines = [f"the images in {clean(str(root))} differ in size:"]
    for shape, count in sizes.most_common(NAMED):
        lines.append(f"  {count:,} of {shape[1]}x{shape[2]}, such as {clean(example[shape])}")
    if len(sizes) > NAMED:
        lines.append(f"  and {len(sizes) - NAMED:,} more sizes")
    _, height, width = sizes.most_common(1)[0][0]
    help = f"write `resize = {height}x{width}` in `data`: all images are then resized to it"
    raise SpeccError("E406", lines, help=help, status=1)
