"""The first look at every image: is it sound, has it the right size, what are its mean and deviation, what is its hash.

A data set is never silently wrong: all files that cannot be used are named at once, and none is left out.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from specc.backend.data.parallel import WORKERS, ordered
from specc.backend.data.progress import bar
from specc.backend.data.raw import Files, Part
from specc.backend.images import BadImage, Pixels, decode, resize
from specc.errors import SpeccError
from specc.values import Size

NAMED = 20  # broken files that a message names
CHUNK = 1 << 21  # pixels that are worked on at once
RGB = 3

Feed = Callable[[bytes | memoryview], object]


class Surveyed(NamedTuple):
    """A part of a data set after the first look.

    images: uint8 N x C x H x W, or the files where they do not fit into memory. labels: int64 N. shape: C, H, W.
    sums, squares: float64 N x C, the sums of the levels (0 to 255) of each image and of their squares, which are exact.
    """

    images: Tensor | Files
    labels: Tensor
    shape: tuple[int, int, int]
    sums: Tensor
    squares: Tensor

    def select(self, index: Tensor) -> "Surveyed":
        """Some of the images, in the order of `index`."""
        images = self.images
        some = Files(images.root, [images.names[i] for i in index]) if isinstance(images, Files) else images[index]
        return Surveyed(some, self.labels[index], self.shape, self.sums[index], self.squares[index])


def survey(part: Part, size: Size | None, room: int, feed: Feed) -> Surveyed:
    """Look at every image, resized to `size` where one is given, and feed what they are to `feed`.

    room: bytes that decoded images may take; files that would take more are left as files.

    Raises SpeccError: E405 images that cannot be used, E406 images of different sizes and no `size`.
    """
    if isinstance(part.images, Files):
        return _survey_files(part.images, part.labels, size, room, feed)
    images = part.images
    feed(repr(tuple(images.shape)).encode())
    feed(images.contiguous().numpy().reshape(-1).data)
    feed(part.labels.numpy().data)
    if size is not None:
        images = _resized(images, size)
    sums, squares = zip(*ordered(moments, _chunks(images), ahead=2 * WORKERS), strict=True)
    _, channels, height, width = images.shape
    return Surveyed(images, part.labels, (channels, height, width), torch.cat(sums), torch.cat(squares))


def moments(images: Pixels) -> tuple[Tensor, Tensor]:
    """Of uint8 … x H x W: the sum of the levels and of their squares, float64, exact.

    NumPy rather than torch: it stays in the thread that asks, and many may ask at once.
    """
    levels = images.reshape(*images.shape[:-2], -1).astype(np.float64)
    return torch.from_numpy(levels.sum(-1)), torch.from_numpy(np.einsum("...p,...p->...", levels, levels))


def statistics(part: Surveyed) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation (of the population) of each channel over all images, in units of the image from 0 to 1."""
    _, height, width = part.shape
    count = len(part.labels) * height * width
    totals = zip(part.sums.sum(0).tolist(), part.squares.sum(0).tolist(), strict=True)
    exact = [(int(total), count * int(square) - int(total) ** 2) for total, square in totals]
    return (
        tuple(total / count / 255 for total, _ in exact),
        tuple(variance**0.5 / count / 255 for _, variance in exact),
    )


def read_image(path: Path, size: Size | None) -> Pixels:
    """One image file as it is trained on: uint8 RGB 3 x H x W. Raises BadImage or OSError."""
    pixels = decode(path, RGB)
    return pixels if size is None else resize(pixels, size)


def _chunks(images: Tensor) -> list[Pixels]:
    """The images, some at a time, in place."""
    step = max(1, CHUNK // images[0].numel())
    values = images.numpy()
    return [values[first : first + step] for first in range(0, len(values), step)]


def _resized(images: Tensor, size: Size) -> Tensor:
    if tuple(images.shape[2:]) == tuple(size):
        return images
    result = torch.empty(*images.shape[:2], *size, dtype=torch.uint8)
    first = 0
    for some in ordered(lambda chunk: resize(chunk, size), _chunks(images), ahead=2 * WORKERS):
        result.numpy()[first : first + len(some)] = some
        first += len(some)
    return result


class _Look(NamedTuple):
    """What is found out about one sound file. digest: SHA-256 of its bytes."""

    pixels: Pixels
    sums: Tensor
    squares: Tensor
    digest: bytes


def _look(path: Path, size: Size | None) -> _Look | str:
    """What is found out about a file; else what is wrong with it, completing "FILE …"."""
    try:
        pixels = read_image(path, size)
        content = hashlib.sha256(path.read_bytes()).digest()
    except BadImage as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return _Look(pixels, *moments(pixels), content)


def _looks(files: Files, size: Size | None) -> Iterator[_Look | str]:
    with bar(f"reading {files.root.name}", len(files), "images") as advance:
        for look in ordered(lambda name: _look(files.root / name, size), files.names, ahead=4 * WORKERS):
            advance(1)
            yield look


def _survey_files(files: Files, labels: Tensor, size: Size | None, room: int, feed: Feed) -> Surveyed:
    broken: list[str] = []
    sizes: Counter[tuple[int, ...]] = Counter()
    example: dict[tuple[int, ...], str] = {}
    images: Tensor | None = None
    sums, squares = torch.zeros(2, len(files), RGB, dtype=torch.float64)
    for number, (name, label, look) in enumerate(zip(files.names, labels.tolist(), _looks(files, size), strict=True)):
        if isinstance(look, str):
            broken.append(f"{name} {look}")
            continue
        shape = look.pixels.shape
        if not sizes and len(files) * look.pixels.size <= room:
            images = torch.empty(len(files), *shape, dtype=torch.uint8)
        sizes[shape] += 1
        example.setdefault(shape, name)
        if images is not None and shape == images.shape[1:]:
            images.numpy()[number] = look.pixels
        sums[number], squares[number] = look.sums, look.squares
        feed(f"{label} {name}\n".encode("utf-8", "surrogateescape") + look.digest)
    if broken:
        raise _broken(files, broken)
    if len(sizes) > 1:
        raise _uneven(files, sizes, example)
    (channels, height, width) = next(iter(sizes))
    return Surveyed(files if images is None else images, labels, (channels, height, width), sums, squares)


def _broken(files: Files, broken: list[str]) -> SpeccError:
    number = f"{len(broken):,} of {len(files):,} images in {files.root} cannot be used:"
    named = [f"  {line}" for line in broken[:NAMED]]
    more = [f"  and {len(broken) - NAMED:,} more"] if len(broken) > NAMED else []
    help = "mend these files, or take them out of the folder: none is left out silently"
    raise SpeccError("E405", "\n".join([number, *named, *more]), help=help, status=1)


def _uneven(files: Files, sizes: Counter[tuple[int, ...]], example: dict[tuple[int, ...], str]) -> SpeccError:
    lines = [f"the images in {files.root} differ in size:"]
    for shape, count in sizes.most_common(NAMED):
        lines.append(f"  {count:,} of {shape[1]}x{shape[2]}, such as {example[shape]}")
    if len(sizes) > NAMED:
        lines.append(f"  and {len(sizes) - NAMED:,} more sizes")
    _, height, width = sizes.most_common(1)[0][0]
    help = f"write `resize = {height}x{width}` in `data`: every image is then brought to one size"
    return SpeccError("E406", "\n".join(lines), help=help, status=1)
