"""`masks`: a folder of images and a folder of masks. Here they are paired and every mask is looked at."""

import hashlib
from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.data.kept import Store, opened
from specc.backend.data.memory import free_memory
from specc.backend.data.pairs import Pairs, pair_up
from specc.backend.data.parallel import ordered
from specc.backend.data.parts import TRAIN
from specc.backend.data.paths import find_path, outside
from specc.backend.data.places import Where, few
from specc.backend.data.progress import bar
from specc.backend.data.raw import Files, Given, Part, Raw
from specc.backend.data.records import UNSETTLED, Record, Row
from specc.backend.data.records import stamp as stamp_of
from specc.backend.data.survey import Feed, picture_hash
from specc.backend.images import BadImage, Pixels
from specc.backend.mask_file import HIGHEST, decode_mask, upright_size
from specc.backend.resizing import resize
from specc.errors import SpeccError, clean, counted
from specc.tasks import SEGMENTATION
from specc.tricks.resize import Resize
from specc.values import Args

NAMED = 20  # masks that a message names
BLACK_AND_WHITE = "0 and 255 are black and white: write the numbers of the classes, 0 and 1"


LAYOUT = Struct(f"<{(HIGHEST + 1) // 8}s2i")  # facts of a mask: which numbers it holds, its height and width


class _Seen(NamedTuple):
    """The numbers in the masks of a part, bool N x 256; broken: what is wrong with those that cannot be used."""

    numbers: NDArray[np.bool_]
    broken: dict[int, str]


class _Mask(NamedTuple):
    """A sound mask. numbers: which it holds, bool 256. size: its height and width. pixels: as its image is resized.
    digest: SHA-256 of its bytes. stamp: of its file and its image's. row: where the pixels are kept, if they are."""

    numbers: NDArray[np.bool_]
    size: tuple[int, int]
    pixels: Pixels
    digest: bytes
    stamp: bytes
    row: Row | None = None


def read_masks(a: Args, where: Where) -> Raw:
    """Images and masks of the same names, sorted. Without `classes`, the classes are 0 to the highest number that the
    training masks hold.

    Raises SpeccError: E403 no such folder, E410 one that may not be read, E415 images and masks that are no pairs, E416
    masks that cannot be used.
    """
    images, masks = find_path(a.images, where, "folder"), find_path(a.masks, where, "folder")
    ignore = HIGHEST if a.ignore is None else a.ignore  # what comes in from outside of an image has a number, too
    how = where.resize._replace(by="nearest", fill=ignore) if where.resize else None
    with opened("masks", masks, how, LAYOUT.size) as store:
        raw = classes_of(pair_up(images, masks), a, outside(images, where), how, store)
    return raw._replace(notes=(*raw.notes, *store.about(is_complete=True)))


def classes_of(
    pairs: Pairs, a: Args, notes: Sequence[str] = (), how: Resize | None = None, store: Store | None = None
) -> Raw:
    """Pairs of images and masks, once every mask is looked at. Raises SpeccError E415, E416 as `read_masks`.

    how: the way that masks are resized. store: keeps them; None where only their numbers matter.
    """
    paired = pairs.parts[TRAIN]
    if not isinstance(paired, Part):
        assert isinstance(paired, SpeccError)
        raise paired
    left_out: list[str] = []
    train, seen = _sound(paired, left_out, how, store, skip_broken=a.skip_broken)
    classes = a.classes or _numbered(train, seen, a.ignore)
    _refuse_unusable(train, seen, classes, a.ignore)
    learned = [name for number, name in enumerate(classes) if seen.numbers[:, number].any()]
    _refuse_single(train, seen, learned, a.ignore)
    given = {
        name: _measured(part, classes, a, left_out, how, store) for name, part in pairs.parts.items() if name != TRAIN
    }
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
        HIGHEST if a.ignore is None else a.ignore,
    )


def mask_labels(masks: Files, how: Resize | None, ignore: int | None, feed: Feed) -> Tensor:
    """Masks, uint8 N x H x W, where their resized images come to lie; `feed` gets the digest of each.

    Raises SpeccError: E441 a mask is no longer what it was when it was paired, E479 they do not fit into memory, E406
    masks of several sizes that are not resized.
    """
    if masks.decoded is not None:
        for digest in masks.digests:
            feed(digest)
        return masks.decoded
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


def _measured(
    given: Given, classes: Sequence[str], a: Args, left_out: list[str], how: Resize | None, store: Store | None
) -> Given:
    """A part to measure on, or what is wrong with its masks."""
    if not isinstance(given, Part):
        return given
    try:
        part, seen = _sound(given, left_out, how, store, skip_broken=a.skip_broken)
        _refuse_unusable(part, seen, classes, a.ignore)
    except SpeccError as error:
        return error
    return part


def _sound(
    part: Part, left_out: list[str], how: Resize | None, store: Store | None, *, skip_broken: bool
) -> tuple[Part, _Seen]:
    """A part, and what its masks hold. With `skip_broken` it is without the pairs whose masks cannot be used, which
    `left_out` then tells of; where none is left, all stay, and are refused."""
    part, seen = _look_at(part, how, store)
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


def _look_at(part: Part, how: Resize | None, store: Store | None) -> tuple[Part, _Seen]:
    """A part, with the masks that were decoded where they fit into memory, and what they hold."""
    images, files = part.images, part.labels
    assert isinstance(images, Files) and isinstance(files, Files)
    masks = files
    numbers = np.zeros((len(masks), HIGHEST + 1), dtype=np.bool_)
    broken: dict[int, str] = {}
    decoded: Tensor | None = None
    is_even = store is not None
    digests = [b""] * len(masks)
    looks = ordered(lambda number: _seen(images, masks, number, how, store), range(len(masks)))
    with bar(f"reading {masks.root.name}", len(masks), "masks") as advance:
        for number, seen in enumerate(looks):
            advance(1)
            if isinstance(seen, str):
                broken[number] = seen
                continue
            numbers[number], digests[number] = seen.numbers, seen.digest
            if store is not None:
                _keep(store, masks, number, seen)
            if decoded is None and is_even and len(masks) * seen.pixels.size <= free_memory() // 2:
                decoded = torch.empty(len(masks), *seen.pixels.shape, dtype=torch.uint8)
            is_even = decoded is not None and seen.pixels.shape == decoded.shape[1:]
            if decoded is not None and is_even:
                decoded.numpy()[number] = seen.pixels
            else:
                decoded = None
    if decoded is not None:
        masks = Files(masks.root, masks.names, digests=digests, places=masks.places, decoded=decoded)
    return Part(images, masks), _Seen(numbers, broken)


def _keep(store: Store, masks: Files, number: int, seen: _Mask) -> None:
    facts = LAYOUT.pack(np.packbits(seen.numbers).tobytes(), *seen.size)
    check = picture_hash(seen.pixels)
    record = Record(seen.stamp, seen.digest, check, (1, *seen.pixels.shape), facts, seen.row)
    is_new = seen.row is None or store.is_rewritten
    store.keep(masks.names[number], record, seen.pixels[None] if is_new else None, len(masks))


def _seen(images: Files, masks: Files, number: int, how: Resize | None, store: Store | None) -> _Mask | str:
    """What a mask holds; else what is wrong with it, completing "FILE …"."""
    try:
        stamp = stamp_of([masks.place(number), images.place(number)]) if store and store.folder else UNSETTLED
    except OSError:  # which is said of the one or the other below
        stamp = UNSETTLED
    record = store.of_file(masks.names[number], stamp) if store else None
    if record and store and (known := _known(record, store)):
        return known
    try:
        content = masks.content(number)
        mask = _decoded(content, how, store)
    except BadImage as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    try:
        size = upright_size(images.content(number))
    except (BadImage, OSError):  # the first look at the images says so
        size = None
    if size is not None and size != mask.size:
        (height, width), (rows, columns) = mask.size, size
        return f"is {height}x{width}, but its image {images.names[number]} is {rows}x{columns}"
    try:
        is_same = stamp != UNSETTLED and stamp_of([masks.place(number), images.place(number)]) == stamp
    except OSError:
        is_same = False
    return mask._replace(stamp=stamp if is_same else UNSETTLED)


def _decoded(content: bytes, how: Resize | None, store: Store | None) -> _Mask:
    """A mask, decoded or as it is kept. Raises BadImage."""
    digest = hashlib.sha256(content).digest()
    record = store.of_content(digest) if store else None
    if record and store and (known := _known(record, store)):
        return known
    levels = decode_mask(content)
    numbers = np.bincount(levels.reshape(-1), minlength=HIGHEST + 1) > 0
    height, width = levels.shape
    return _Mask(numbers, (height, width), resize(levels, how) if how else levels, digest, UNSETTLED)


def _known(record: Record, store: Store) -> _Mask | None:
    """What a record says of a mask; None where the pixels are not kept as they were."""
    pixels = store.sound(record)
    if pixels is None:
        return None
    packed, height, width = LAYOUT.unpack(record.facts)
    numbers = np.unpackbits(np.frombuffer(packed, np.uint8)).astype(np.bool_)
    return _Mask(numbers, (height, width), pixels[0], record.digest, record.stamp, record.row)


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
