"""A data set, ready to be trained on: from the section `data` of a spec to images, labels, classes and statistics."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, tensor

from specc.backend.data.classes import class_counts, odd_classes, refuse_unlearned
from specc.backend.data.divide import divide
from specc.backend.data.identical import notes_on_identical
from specc.backend.data.look import Reading, look_through, reading
from specc.backend.data.memory import free_memory
from specc.backend.data.places import Where
from specc.backend.data.raw import Files, Part, Raw
from specc.backend.data.split import Resident, Split, Streamed
from specc.backend.data.survey import Surveyed, statistics, survey
from specc.backend.data.validation import choose
from specc.backend.resolve import resolve
from specc.errors import SpeccError
from specc.tricks.length import split_off
from specc.tricks.sections import DataSettings
from specc.values import show
from specc.vocabulary.family import Source
from specc.vocabulary.registry import component


class DataSet(NamedTuple):
    """A data set.

    name: of the source. classes: their names, in the order of the labels. shape: C, H, W of every image.
    mean, std: of each channel over the training images, in units of the image from 0 to 1.
    hash: SHA-256 over the content of all images that are used, their labels and the classes: the same data has the same
        hash, wherever it lies and however it is split and resized.
    validated_on: in words, which images are the validation images. seed: from which they were drawn, and a subset is.
        is_split: whether they were, from the training part. is_subset: whether these are not all images.
    train_counts: how many images of each class the training part has, of which `train` may be a subset.
    test: the labeled test part where nothing validates on it, unopened: nothing is known of it but its labels.
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
    seed: int
    is_split: bool
    train_counts: tuple[int, ...]
    test: Part | None = None
    is_subset: bool = False
    notes: tuple[str, ...] = ()


def load(
    data: DataSettings, *, data_dir: Path | None = None, base: Path = Path(), memory: int | None = None
) -> DataSet:
    """The data set that the checked section `data` describes.

    data_dir: looked into first. base: the folder of the spec. memory: bytes that decoded images may take, half of the
    free memory where it is None; image files that would take more are decoded as they are wanted.

    Raises SpeccError: E401 to E411, E405 and E406 for image files, E408 no such part to validate on, E409 nothing to
    train on or to validate on.
    """
    source = data.source
    raw: Raw = resolve(component(Source, source).target)(source.args, Where(data_dir, base))
    chosen = choose(raw, data.validation, source.name)
    used = [raw.train, chosen.part] if chosen.part else [raw.train]
    how, room = reading(data), free_memory() // 2 if memory is None else memory
    parts, content, left_out = _look(used, raw.classes, how, room)
    identical = notes_on_identical(parts, ["training", chosen.words.split()[1]][: len(parts)], raw.classes)
    if chosen.part:
        train, validation = parts
        words = f"{chosen.words}, {len(validation.labels):,} images"
    else:
        train, validation, words = _divide(parts[0], chosen.share, data.seed)
    learned, measured = (class_counts(part.labels, raw.classes) for part in (train, validation))
    refuse_unlearned(raw.classes, learned, measured)
    mean, std = statistics(train)
    learn, measure = (_split(part, how) for part in (train, validation))
    odd = odd_classes(raw.classes, learned, measured)
    return DataSet(
        source.name,
        raw.classes,
        train.shape,
        learn,
        measure,
        mean,
        std,
        content,
        words,
        data.seed,
        chosen.part is None,
        learned,
        chosen.left,
        notes=(*raw.notes, *chosen.notes, *left_out, *identical, *odd),
    )


def dataset_key(data: DataSettings) -> str:
    """What of the section `data` decides what `load` gives: with the same key, one data set serves several specs."""
    return " ".join(map(show, (data.source, data.channels, data.range, data.resize, data.validation, data.seed)))


def _look(
    parts: list[Part], classes: tuple[str, ...], how: Reading, room: int
) -> tuple[list[Surveyed], str, list[str]]:
    """The parts after the first look, the hash of their content, and what was left out."""
    digest = hashlib.sha256(json.dumps(classes).encode())
    files = [(part.images, part.labels) for part in parts if isinstance(part.images, Files)]
    if files:
        surveyed, left_out = look_through(files, classes, how, room, digest.update)
        return surveyed, digest.hexdigest(), left_out
    arrays = [(part.images, part.labels) for part in parts if isinstance(part.images, Tensor)]
    return [survey(*array, how.resize, digest.update) for array in arrays], digest.hexdigest(), []


def _divide(part: Surveyed, share: float | int, seed: int) -> tuple[Surveyed, Surveyed, str]:
    """Training and validation images out of one part, both in its order."""
    count = len(part.labels)
    wanted = split_off(count, share)
    if not 0 < wanted < count:
        message = f"`validation` would take {wanted:,} of {count:,} images"
        raise SpeccError("E409", message, help="both sides need at least one image", status=1)
    taken = divide(part.labels.tolist(), part.pictures, wanted, seed)
    if not taken:
        message = f"none of {count:,} images can be split off: no class has two different ones"
        raise SpeccError("E409", message, help="a class keeps at least one image to train on; give more", status=1)
    chosen = set(taken)
    rest = [image for image in range(count) if image not in chosen]
    asked = f" (not {wanted:,}: every class has one, and copies stay together)" if len(taken) != wanted else ""
    words = f"{len(taken):,} of {count:,} training images{asked}, drawn from data.seed {seed}"
    return part.select(tensor(rest)), part.select(tensor(taken)), words


def _split(part: Surveyed, how: Reading) -> Split:
    if isinstance(part.images, Files):
        return Streamed(part.images, part.labels, how, part.shape)
    return Resident(part.images, part.labels)
