"""`masks`: a folder of images and a folder of masks. Here they are paired and every mask is looked at."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.data.memory import free_memory
from specc.backend.data.pairs import Pairs, pair_up
from specc.backend.data.parallel import ordered
from specc.backend.data.parts import TRAIN
from specc.backend.data.paths import find_path, outside
from specc.backend.data.places import Where, few
from specc.backend.data.progress import bar
from specc.backend.data.raw import Files, Given, Part, Raw
from specc.backend.data.survey import Feed
from specc.backend.images import BadImage, Pixels
from specc.backend.mask_file import HIGHEST, decode_mask, upright_size
from specc.backend.resizing import resize
from specc.errors import SpeccError, clean, counted
from specc.tasks import SEGMENTATION
from specc.tricks.resize import Resize
from specc.values import Args

NAMED = 20  # masks that a message names
BLACK_AND_WHITE = "0 and 255 are black and white: write the numbers of the classes, 0 and 1"

Counts = NDArray[np.int64]  # how many pixels have each number from 0 to 255


class _Seen(NamedTuple):
    """The numbers in the masks of a part, bool N x 256; broken: what is wrong with those that cannot be used."""

    numbers: NDArray[np.bool_]
    broken: dict[int, str]


def read_masks(a: Args, where: Where) -> Raw:
    """Images and masks of the same names, sorted. Without `classes`, the classes are 0 to the highest number that the
    training masks hold.

    Raises SpeccError: E403 no such folder, E410 one that may not be read, E415 images and masks that are no pairs, E416
    masks that cannot be used.
    """
    images, masks = find_path(a.images, where, "folder"), find_path(a.masks, where, "folder")
    return classes_of(pair_up(images, masks), a, outside(images, where))


def classes_of(pairs: Pairs, a: Args, notes: Sequence[str] = ()) -> Raw:
    """Pairs of images and masks, once every mask is looked at. Raises SpeccError E415, E416 as `read_masks`."""
    paired = pairs.parts[TRAIN]
    if not isinstance(paired, Part):
        assert isinstance(paired, SpeccError)
        raise paired
    left_out: list[str] = []
    train, seen = _sound(paired, left_out, skip_broken=a.skip_broken)
    classes = a.classes or _numbered(train, seen, a.ignore)
    _refuse_unusable(train, seen, classes, a.ignore)
    learned = [name for number, name in enumerate(classes) if seen.numbers[:, number].any()]
    _refuse_single(train, seen, learned, a.ignore)
    given = {name: _measured(part, classes, a, left_out) for name, part in pairs.parts.items() if name != TRAIN}
    unlearned = [name for name in classes if name not in learned]
    notes = [*notes, *pairs.notes, *left_out]
    notes += [f"no pixel to train on in {few(unlearned, NAMED)}"] if unlearned else []
    return Raw(
        classes,
        train,
        given.get("test"),
        given.get("validation"),
        pairs.names,
        tuple(dict.fromkeys(notes)),
        SEGMENTATION,
        HIGHEST if a.ignore is None else a.ignore,  # what comes in from outside of an image has a number, too
    )


def mask_labels(masks: Files, how: Resize | None, ignore: int | None, feed: Feed) -> Tensor:
    """Masks, uint8 N x H x W, where their resized images come to lie; `feed` gets the digest of each.

    Raises SpeccError: E441 a mask is no longer what it was when it was paired, E479 they do not fit into memory, E406
    masks of several sizes that are not resized.
    """
    labels: Tensor | None = None
    for number, (pixels, digest) in enumerate(
        ordered(lambda number: read_mask(masks, number, how, ignore), range(len(masks)))
    ):
        if labels is None:
            if len(masks) * pixels.size > free_memory():
                message = f"{counted(len(masks), 'mask')} of {pixels.shape[0]}x{pixels.shape[1]} do not fit into memory"
                raise SpeccError("E479", message, help="a smaller `resize`", status=1)
            labels = torch.empty(len(masks), *pixels.shape, dtype=torch.uint8)
        if pixels.shape == labels.shape[1:]:  # else the images differ in size, too, which is said of them
            labels.numpy()[number] = pixels
        feed(digest)
    assert labels is not None
    return labels


def read_mask(masks: Files, number: int, how: Resize | None, ignore: int | None) -> tuple[Pixels, bytes]:
    """A mask where its resized image comes to lie, and the SHA-256 of its bytes. Raises SpeccError E441."""
    try:
        content = masks.content(number)
        pixels = decode_mask(content)
    except (BadImage, OSError) as error:
        message = clean(f"{masks.root / masks.names[number]} has changed since it was first read: {error}")
        raise SpeccError("E441", message, help="bring the file back", status=1) from None
    if how is not None:
        assert ignore is not None
        pixels = resize(pixels, how._replace(by="nearest", fill=ignore))
    return pixels, hashlib.sha256(content).digest()


def _measured(given: Given, classes: Sequence[str], a: Args, left_out: list[str]) -> Given:
    """A part to measure on, or what is wrong with its masks."""
    if not isinstance(given, Part):
        return given
    try:
        part, seen = _sound(given, left_out, skip_broken=a.skip_broken)
        _refuse_unusable(part, seen, classes, a.ignore)
    except SpeccError as error:
        return error
    return part


def _sound(part: Part, left_out: list[str], *, skip_broken: bool) -> tuple[Part, _Seen]:
    """A part, and what its masks hold. With `skip_broken` it is without the pairs whose masks cannot be used, which
    `left_out` then tells of; where none is left, all stay, and are refused."""
    seen = _look_at(part)
    images, masks = part.images, part.labels
    assert isinstance(images, Files) and isinstance(masks, Files)
    images = Files(images.root, images.names, skip_broken)
    if not skip_broken or not 0 < len(seen.broken) < len(masks):
        return Part(images, masks), seen
    names = [clean(f"{masks.names[number]} {wrong}") for number, wrong in seen.broken.items()]
    more = [f"and {len(names) - NAMED:,} more"] if len(names) > NAMED else []
    count = f"{len(names):,} of {counted(len(masks), 'mask')} in {clean(str(masks.root))} and their images"
    left_out.append(f"left out by skip_broken: {count}: {'; '.join([*names[:NAMED], *more])}")
    kept = [number for number in range(len(masks)) if number not in seen.broken]
    return Part(images.select(kept), masks.select(kept)), _Seen(seen.numbers[kept], {})


def _look_at(part: Part) -> _Seen:
    images, masks = part.images, part.labels
    assert isinstance(images, Files) and isinstance(masks, Files)
    numbers = np.zeros((len(masks), HIGHEST + 1), dtype=np.bool_)
    broken: dict[int, str] = {}
    with bar(f"reading {masks.root.name}", len(masks), "masks") as advance:
        for number, seen in enumerate(ordered(lambda number: _seen(images, masks, number), range(len(masks)))):
            advance(1)
            if isinstance(seen, str):
                broken[number] = seen
            else:
                numbers[number] = seen > 0
    return _Seen(numbers, broken)


def _seen(images: Files, masks: Files, number: int) -> Counts | str:
    """How many pixels of a mask have each number; else what is wrong with it, completing "FILE …"."""
    try:
        levels = decode_mask(masks.content(number))
    except BadImage as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    try:
        size = upright_size(images.content(number))
    except (BadImage, OSError):  # the first look at the images says so
        size = None
    if size is not None and size != levels.shape:
        (height, width), (rows, columns) = levels.shape, size
        return f"is {height}x{width}, but its image {images.names[number]} is {rows}x{columns}"
    return np.bincount(levels.reshape(-1), minlength=HIGHEST + 1)


def _numbered(part: Part, seen: _Seen, ignore: int | None) -> tuple[str, ...]:
    """The numbers of the classes as their names. Raises SpeccError E416 where `ignore` lies among them."""
    there = np.flatnonzero(seen.numbers.any(axis=0)).tolist()
    highest = max([number for number in there if number != ignore], default=0)
    if highest == HIGHEST:
        assert isinstance(part.labels, Files)
        message = f"a mask in {part.labels.root} holds {HIGHEST}, and no number is left for pixels that do not count"
        raise SpeccError("E416", message, help=f"{BLACK_AND_WHITE}; or ignore 255", status=1)
    if ignore is not None and ignore < highest:
        assert isinstance(part.labels, Files)
        message = f"`ignore={ignore}` lies among the numbers of the classes, 0 to {highest}, in {part.labels.root}"
        help = "number the classes 0, 1, 2 … without a gap, and ignore a higher number"
        raise SpeccError("E416", message, help=help, status=1)
    return tuple(map(str, range(highest + 1)))


def _refuse_unusable(part: Part, seen: _Seen, classes: Sequence[str], ignore: int | None) -> None:
    """Raise SpeccError E416 for masks that cannot be read, do not fit their images, or hold other numbers."""
    masks = part.labels
    assert isinstance(masks, Files)
    allowed = {*range(len(classes)), *([] if ignore is None else [ignore])}
    other = seen.numbers.copy()
    other[:, sorted(allowed)] = False
    rows = np.flatnonzero(other.any(axis=1)).tolist()
    wrong = [f"{masks.names[row]} holds {_listed(np.flatnonzero(other[row]).tolist())}" for row in rows]
    if not seen.broken and not wrong:
        return
    lines = [*(f"{masks.names[row]} {wrong}" for row, wrong in seen.broken.items()), *wrong]
    more = [f"  and {len(lines) - NAMED:,} more"] if len(lines) > NAMED else []
    what = f"{len(lines):,} of {counted(len(masks), 'mask')} in {masks.root} cannot be used:"
    help = "repair these masks, or remove them and their images, or leave such pairs out with skip_broken=true"
    if wrong and not seen.broken:
        is_white = set(np.flatnonzero(other.any(axis=0)).tolist()) == {HIGHEST}
        numbers = f"the classes have the numbers 0 to {len(classes) - 1}"
        help = BLACK_AND_WHITE if is_white else f"{numbers}; `ignore` is {'none' if ignore is None else ignore}"
    raise SpeccError("E416", [what, *(f"  {line}" for line in lines[:NAMED]), *more], help=help, status=1)


def _listed(numbers: Sequence[int]) -> str:
    plural = "which are no classes" if len(numbers) > 1 else "which is no class"
    return f"{few([str(number) for number in numbers])}, {plural}"


def _refuse_single(part: Part, seen: _Seen, learned: Sequence[str], ignore: int | None) -> None:
    """Raise SpeccError E416 where the masks do not hold two classes."""
    if len(learned) > 1:
        return
    assert isinstance(part.labels, Files)
    is_white = ignore == HIGHEST and bool(seen.numbers[:, [0, HIGHEST]].any(axis=0).all())
    what = f"only one class, {few(learned)}" if learned else "no class"
    also = f", and {ignore}, which is ignored" if ignore is not None and seen.numbers[:, ignore].any() else ""
    message = clean(f"the training masks in {part.labels.root} hold {what}{also}")
    help = BLACK_AND_WHITE if is_white else "there must be at least two classes to tell apart"
    raise SpeccError("E416", message, help=help, status=1)
