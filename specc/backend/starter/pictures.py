"""A look at image files in bounded time: the sizes of most, the pixels of some."""

from collections.abc import Sequence
from io import BytesIO
from itertools import accumulate
from typing import BinaryIO, NamedTuple

from PIL import Image

from specc.backend.data.parallel import ordered
from specc.backend.data.progress import bar
from specc.backend.data.raw import Files
from specc.backend.data.survey import picture_hash
from specc.backend.images import DEEP, KINDS, BadImage, decode_image, explained, refuse_huge
from specc.backend.jpeg import ORIENTATION
from specc.backend.mask_file import TURNED
from specc.backend.traps import heavy
from specc.errors import SpeccError, clean
from specc.files import open_file
from specc.values import Size

MOST_FILES = 4_000  # whose headers are read
MOST_DECODED = 1 << 27  # pixels of all files that are decoded: 400 photographs of 640 x 480, a few seconds
LIGHT = 1 << 20  # bytes of a file that is read whole; of a larger one Pillow reads the beginning
SAME_LEVELS = 2  # levels by which the channels of a gray image that was saved in color may differ
LARGE_RASTERS = (b"II", b"MM")  # TIFF files, whose size may stand at their end


class Header(NamedTuple):
    """What the beginning of an image file says. is_deep_color: it has 16 bits a channel, in color."""

    size: Size
    is_deep_color: bool


class Decoded(NamedTuple):
    """What the pixels of an image file say. deep: the lowest and highest value of a 16-bit image."""

    is_gray: bool
    deep: tuple[int, int] | None
    picture: bytes


class Pictures(NamedTuple):
    """The images of a data set.

    total: how many there are. sizes: of those whose headers were read. decoded: how many were decoded.
    is_gray: each of these shows nothing but grays. deep: the range of the values of 16-bit grays.
    broken: by number, what is wrong with files that cannot be used, completing "FILE …".
    copies: numbers of images that show the same, in groups.
    """

    total: int
    sizes: tuple[Size, ...]
    decoded: int
    is_gray: bool
    deep: tuple[int, int] | None = None
    broken: dict[int, str] = {}  # noqa: RUF012 - never changed
    copies: tuple[tuple[int, ...], ...] = ()

    @property
    def is_sampled(self) -> bool:
        return self.decoded + len(self.broken) < self.total


def look(files: Files) -> Pictures:
    """Look at image files: at their headers, and at the pixels of as many as there is time for, evenly over the set.

    Raises SpeccError E405 where not one of them can be used.
    """
    sample = spread(range(len(files)), MOST_FILES)
    broken: dict[int, str] = {}
    headers: dict[int, Header] = {}
    with bar(f"looking at {files.root.name}", 2 * len(sample), "images") as advance:
        for number, header in zip(sample, ordered(lambda number: _header(files, number), sample), strict=True):
            advance(1)
            if isinstance(header, str):
                broken[number] = header
            else:
                headers[number] = header
        chosen = _affordable(headers)
        decoded: dict[int, Decoded] = {}
        for number, one in zip(chosen, ordered(lambda number: _decoded(files, number), chosen), strict=True):
            advance(1)
            if isinstance(one, str):
                broken[number] = one
                del headers[number]
            else:
                decoded[number] = one
    if not decoded:
        lines = [f"none of the images in {clean(str(files.root))} can be used:", *broken_lines(files, broken)]
        raise SpeccError("E405", lines, help="give images in one of the usual formats, such as JPEG or PNG", status=1)
    ranges = [one.deep for one in decoded.values() if one.deep]
    is_color = any(header.is_deep_color for header in headers.values())
    return Pictures(
        len(files),
        tuple(header.size for header in headers.values()),
        len(decoded),
        all(one.is_gray for one in decoded.values()),
        (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges and not is_color else None,
        dict(sorted(broken.items())),
        _copies(decoded),
    )


def broken_lines(files: Files, broken: dict[int, str], most: int = 20) -> list[str]:
    """A line for each of the first files that cannot be used."""
    lines = [f"  {clean(f'{files.names[number]} {what}')}" for number, what in list(broken.items())[:most]]
    return lines + ([f"  and {len(broken) - most:,} more"] if len(broken) > most else [])


def spread(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of the numbers, evenly from first to last."""
    if len(numbers) <= most:
        return list(numbers)
    return [numbers[index * len(numbers) // most] for index in range(most)]


def _affordable(headers: dict[int, Header]) -> list[int]:
    """Which images are decoded: all, where they have few enough pixels, or so many that are spread over the set."""
    numbers = list(headers)
    pixels = [headers[number].size.height * headers[number].size.width for number in numbers]
    total = sum(pixels)
    if total <= MOST_DECODED:
        return numbers
    chosen = spread(numbers, max(1, len(numbers) * MOST_DECODED // total))
    sums = accumulate(headers[number].size.height * headers[number].size.width for number in chosen)
    return [number for number, so_far in zip(chosen, sums, strict=True) if so_far <= 2 * MOST_DECODED] or chosen[:1]


def _header(files: Files, number: int) -> Header | str:
    """What the header of a file says; else what is wrong with it, completing "FILE …"."""
    path = files.root / files.names[number]
    try:
        status = path.stat() if not files.places else None
        if status is None or status.st_size <= LIGHT:
            content = files.content(number)
            return _read_header(BytesIO(content), content)
        with open_file(path) as file:
            start = file.read(LIGHT)
            if start[:2] in LARGE_RASTERS:
                content = files.content(number)
                return _read_header(BytesIO(content), content)
            file.seek(0)
            return _read_header(file, start)
    except BadImage as error:
        return clean(str(error))
    except OSError as error:
        return f"cannot be read: {error.strerror or clean(str(error))}"


def _read_header(file: BinaryIO, start: bytes) -> Header:
    with explained(start), Image.open(file, formats=KINDS) as image:
        refuse_huge(image)
        if wrong := heavy(image.info.get("exif")):
            raise BadImage(wrong)
        is_deep = any(DEEP.search(str(tile[3])) for tile in image.tile)
        has_exif = image.format != "PNG" or "exif" in image.info  # to look for more, Pillow would decode a PNG file
        is_turned = has_exif and image.getexif().get(ORIENTATION) in TURNED
        size = Size(image.width, image.height) if is_turned else Size(image.height, image.width)
        return Header(size, is_deep and image.mode in ("RGB", "RGBA"))


def _decoded(files: Files, number: int) -> Decoded | str:
    """What the pixels of a file say; else what is wrong with it, completing "FILE …"."""
    try:
        pixels, deep = decode_image(files.content(number), 3)
    except BadImage as error:
        return clean(str(error))
    except OSError as error:
        return f"cannot be read: {error.strerror or clean(str(error))}"
    apart = pixels.max(axis=0) - pixels.min(axis=0)
    return Decoded(int(apart.max()) <= SAME_LEVELS, deep, picture_hash(pixels) + repr(pixels.shape).encode())


def _copies(decoded: dict[int, Decoded]) -> tuple[tuple[int, ...], ...]:
    alike: dict[bytes, list[int]] = {}
    for number, one in decoded.items():
        alike.setdefault(one.picture, []).append(number)
    return tuple(tuple(numbers) for numbers in alike.values() if len(numbers) > 1)
