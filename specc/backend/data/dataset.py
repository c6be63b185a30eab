"""A data set, ready to be trained on: from the section `data` of a spec to images, labels, classes and statistics."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

import torch
from torch import Tensor

from specc.backend import rng
from specc.backend.data.look import look_through
from specc.backend.data.memory import free_memory
from specc.backend.data.places import Where, few
from specc.backend.data.raw import Files, Raw
from specc.backend.data.split import Resident, Split, Streamed
from specc.backend.data.survey import Surveyed, statistics, survey
from specc.backend.resolve import resolve
from specc.errors import SpeccError
from specc.tricks.length import split_off
from specc.tricks.sections import DataSettings
from specc.tricks.validation import SPLIT, TEST
from specc.values import Percent, Size
from specc.vocabulary.family import Source, Validation
from specc.vocabulary.registry import component

AUTOMATIC = SPLIT.call(part=Percent(0.1))


class DataSet(NamedTuple):
    """A data set.

    name: of the source. classes: their names, in the order of the labels. shape: C, H, W of every image.
    mean, std: of each channel over the training images, in units of the image from 0 to 1.
    hash: SHA-256 over the content of all images that are used, their labels and the classes: the same data has the same
        hash, wherever it lies and however it is split and resized.
    validated_on: in words, which images are the validation images.
    notes: what its user ought to know once: where it lies, what was left out, classes that look wrong.
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train: Split
    validation: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    hash: str
    validated_on: str
    notes: tuple[str, ...] = ()


def load(
    data: DataSettings, *, data_dir: Path | None = None, seed: int = 0, base: Path = Path(), memory: int | None = None
) -> DataSet:
    """The data set that the checked section `data` describes.

    data_dir: looked into first. base: the folder of the spec. seed: of the draw of validation images.
    memory: bytes that decoded images may take, half of the free memory where it is None; image files that would take
        more are decoded as they are wanted.

    Raises SpeccError: E401 to E411, E405 and E406 for image files, E408 no test part, E409 nothing to train on or to
    validate on.
    """
    source, asked = data.source, data.validation
    where = Where(data_dir, base, test=asked is not None and component(Validation, asked).share is None)
    raw: Raw = resolve(component(Source, source).target)(source.args, where)
    chosen = asked or (TEST.call() if raw.test else AUTOMATIC)
    share = component(Validation, chosen).share
    if share is None and raw.test is None:
        help = "write `validation = split(10%)`, or leave `validation` out"
        raise SpeccError("E408", f"`{source.name}` has no test part to validate on", help=help, status=1)
    used = Raw(raw.classes, raw.train, raw.test if share is None else None)
    (train, *rest), content, left_out = _look(used, data.resize, free_memory() // 2 if memory is None else memory)
    if share is None:
        validation, words = rest[0], f"the test part, {len(rest[0].labels):,} images"
    else:
        train, validation, words = _divide(train, share(chosen.args), seed)
    mean, std = statistics(train)
    learn, measure = (_split(part, data.resize) for part in (train, validation))
    notes = (*raw.notes, *left_out, *odd_classes(raw.classes, train.labels, validation.labels))
    return DataSet(source.name, raw.classes, train.shape, learn, measure, mean, std, content, words, notes)


def _look(raw: Raw, size: Size | None, room: int) -> tuple[list[Surveyed], str, list[str]]:
    """The parts after the first look, the hash of their content, and what was left out."""
    digest = hashlib.sha256(json.dumps(raw.classes).encode())
    parts = [part for part in (raw.train, raw.test) if part is not None]
    files = [(part.images, part.labels) for part in parts if isinstance(part.images, Files)]
    if files:
        surveyed, left_out = look_through(files, raw.classes, size, room, digest.update)
        return surveyed, digest.hexdigest(), left_out
    arrays = [(part.images, part.labels) for part in parts if isinstance(part.images, Tensor)]
    return [survey(*array, size, digest.update) for array in arrays], digest.hexdigest(), []


def odd_classes(classes: tuple[str, ...], train: Tensor, validation: Tensor) -> list[str]:
    """What is odd about the classes, and may be meant. train, validation: labels, int64 N."""
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault(normalize("NFC", name).casefold(), []).append(name)
    notes = [f"classes whose names look alike: {few(names)}" for names in alike.values() if len(names) > 1]
    learned, measured = (labels.bincount(minlength=len(classes)).tolist() for labels in (train, validation))
    for what, counts, number in (
        ("no image to train on in", learned, 0),
        ("a single image to train on in", learned, 1),
        ("no image to validate on in", measured, 0),
    ):
        found = [name for name, count in zip(classes, counts, strict=True) if count == number]
        if found:
            notes.append(f"{what} {'class' if len(found) == 1 else f'{len(found):,} classes:'} {few(found)}")
    return notes


def _divide(part: Surveyed, share: float, seed: int) -> tuple[Surveyed, Surveyed, str]:
    """Training and validation images out of one part, both in its order. The draw is a function of the seed alone."""
    count = len(part.labels)
    wanted = split_off(count, share)
    if not 0 < wanted < count:
        message = f"`validation` would take {wanted:,} of {count:,} images"
        raise SpeccError("E409", message, help="both sides need at least one image", status=1)
    order = torch.randperm(count, generator=rng.generator(seed, 0, rng.SPLIT))
    words = f"{wanted:,} of {count:,} training images, drawn from seed {seed}"
    return part.select(order[wanted:].sort().values), part.select(order[:wanted].sort().values), words


def _split(part: Surveyed, size: Size | None) -> Split:
    if isinstance(part.images, Files):
        return Streamed(part.images, part.labels, size, part.shape)
    return Resident(part.images, part.labels)
