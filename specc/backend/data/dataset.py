"""A data set, ready to be trained on: from the section `data` of a spec to images, labels, classes and statistics."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, tensor

from specc.backend.data.amount import from_environment
from specc.backend.data.classes import noun, odd_classes, refuse_unlearned
from specc.backend.data.divide import divide, fold
from specc.backend.data.identical import notes_on_identical
from specc.backend.data.look import look_through
from specc.backend.data.memory import free_memory
from specc.backend.data.numbers import refuse_unlearnable
from specc.backend.data.places import Where, few
from specc.backend.data.raw import Files, Part, Raw
from specc.backend.data.reading import Reading, reading
from specc.backend.data.shards.images import Packed
from specc.backend.data.shards.survey import survey_packed
from specc.backend.data.split import Resident, Split, Streamed
from specc.backend.data.survey import Surveyed, statistics, survey
from specc.backend.data.together import units_of
from specc.backend.data.validation import Chosen, choose
from specc.backend.resolve import resolve
from specc.backend.tasks.bound import BoundTask, Scale, bind
from specc.backend.tasks.regression import learnable, scale_of
from specc.errors import SpeccError, counted
from specc.tasks import REGRESSION
from specc.tricks.length import split_off
from specc.tricks.sections import DataSettings
from specc.values import show
from specc.vocabulary.family import Source
from specc.vocabulary.registry import component

MEMORY = "SPECC_MEMORY"


class HeldOut(NamedTuple):
    """The labeled test part where other images validate.

    words: `the test part, 355 images`. labels: None for mask files that are not opened yet. images: once it was opened,
    what is measured. hash: then the SHA-256 of its content, its labels and the classes. torn: as in `DataSet`.
    """

    words: str
    labels: Tensor | None
    images: Split | None = None
    hash: str = ""
    torn: str = ""


class DataSet(NamedTuple):
    """A data set.

    name: of the source. classes: their names, in the order of the labels. shape: C, H, W of every image.
    mean, std: of each channel over the training images, in units of the image from 0 to 1.
    hash: SHA-256 over the content of all images that are used, their labels and groups, and the classes: the same data
        has the same hash, wherever it lies and however it is split and resized. Of packed data it is the index's.
    validated_on: in words, which images are the validation images. part: of the source, that they come from: "train",
        "validation" or "test". seed: from which they were drawn, if so, and a subset is. is_subset: whether these are
        not all images.
    train_counts: how often the training part, of which `train` may be a subset, has each class (`BoundTask.counts`).
        train_images: how many images that part has. task: what is learned of the images.
    test: the labeled test part where nothing validates on it.
    torn: which groups of the source's own validation part are trained on, too, in words; "" for none.
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
    part: str
    train_counts: tuple[int, ...]
    train_images: int
    task: BoundTask
    test: HeldOut | None = None
    torn: str = ""
    is_subset: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_split(self) -> bool:
        """Whether the validation images were drawn from the training part."""
        return self.part == "train"


def load(
    data: DataSettings,
    *,
    data_dir: Path | None = None,
    base: Path = Path(),
    memory: int | None = None,
    with_test: bool = False,
) -> DataSet:
    """The data set that the checked section `data` describes.

    data_dir: looked into first. base: the folder of the spec. memory: bytes that decoded images may take; where it is
    None, what `$SPECC_MEMORY` says, or half of the free memory. Image files and shards that would take more are decoded
    as they are wanted. with_test: a test part that does not validate is opened, too; else nothing is known of it but
    its labels.

    Raises SpeccError: E401 to E411, E405 and E406 for image files, E408 no such part to validate on, E409 nothing to
    train on or to validate on.
    """
    source, how = data.source, reading(data)
    raw: Raw = resolve(component(Source, source).target)(source.args, Where(data_dir, base, how.resize))
    task = bind(raw.task, raw.classes, ignore=raw.ignore)
    chosen = choose(raw, data.validation, source.name)
    room = memory if memory is not None else from_environment(MEMORY) or free_memory() // 2
    used = [raw.train, chosen.part] if chosen.part else [raw.train]
    parts, content, left_out = _look(used, raw, how, room)
    if chosen.part:
        train, validation = parts
        words = f"{chosen.words}, {counted(len(validation.labels), 'image')}"
    else:
        train, validation, words = _divide(parts[0], task, chosen, data.seed)
    if raw.task == REGRESSION:
        refuse_unlearnable(raw.classes, train.labels)
    if raw.task == REGRESSION and data.targets == "standard":
        task = bind(raw.task, raw.classes, scale=scale_of(train.labels))
    learned, measured = (task.counts(part.labels) for part in (train, validation))
    refuse_unlearned(task, learned, measured)
    mean, std = statistics(train)
    names = ["training", chosen.name][: len(parts)]
    test, about_test = _held_out(chosen, task, learned)
    if test and chosen.test and with_test:
        opened, digest, more = _look([chosen.test[0]], raw, how, room - sum(map(_bytes, parts)))
        labels, images = learnable(opened[0].labels, task.scale), _split(opened[0], how, "test", task.scale)
        test = test._replace(labels=labels, images=images, hash=digest)
        parts, names, left_out = [*parts, *opened], [*names, "test"], [*left_out, *more]
        about_test = [f"{test.words}: measured once, after the training"]
    identical = notes_on_identical(parts, names, task, is_divided=chosen.part is None)
    odd = odd_classes(task, learned, measured)
    if chosen.fold:
        odd += _in_several_folds(parts[0], task, chosen.fold[1])
    learn, measure = _split(train, how, "train", task.scale), _split(validation, how, chosen.name, task.scale)
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
        chosen.name,
        learned,
        len(train.labels),
        task,
        test._replace(torn=_torn(raw.train, chosen.test[0])) if test and chosen.test else test,
        _torn(raw.train, chosen.part) if chosen.part else "",
        notes=(*raw.notes, *chosen.notes, *about_test, *left_out, *identical, *odd),
    )


def dataset_key(data: DataSettings) -> str:
    """What of the section `data` decides what `load` gives: with the same key, one data set serves several specs."""
    settings = (data.source, data.channels, data.range, data.resize, data.validation, data.seed, data.targets)
    return " ".join(map(show, settings))


def _held_out(chosen: Chosen, task: BoundTask, learned: Sequence[int]) -> tuple[HeldOut | None, list[str]]:
    """The test part, unopened, where it can be measured, and else what there is to say of it."""
    if chosen.test is None:
        return None, []
    part, name = chosen.test
    words = f"{name}, {counted(len(part.labels), 'image')}"
    if not isinstance(part.labels, Tensor):
        return HeldOut(words, None), [f"not used: {words}"]
    counts = task.counts(part.labels)
    unlearned = [one for one, count, images in zip(task.outputs, counts, learned, strict=False) if count and not images]
    if unlearned:
        return None, [f"not used: {words}; there is no image to train on in {few(unlearned)}"]
    return HeldOut(words, learnable(part.labels, task.scale)), [f"not used: {words}"]


def _torn(train: Part, part: Part) -> str:
    """The groups of a part of the source's own that its training part has, too, in words."""
    groups = sorted((set(train.groups) & set(part.groups)) - {""})
    if not groups:
        return ""
    have = "has" if len(groups) == 1 else "have"
    return f"{counted(len(groups), 'group')} {have} training images, too, so optimistic: {few(groups)}"


def _bytes(part: Surveyed) -> int:
    """What the decoded images of a part take."""
    return part.images.nbytes if isinstance(part.images, Tensor) else 0


def _look(parts: list[Part], raw: Raw, how: Reading, room: int) -> tuple[list[Surveyed], str, list[str]]:
    """The parts after the first look, the hash of their content, and what was left out."""
    first = parts[0].images
    if isinstance(first, Packed):
        looked = []
        for one in parts:
            looked.append(survey_packed(one, how.resize, raw.ignore, room))
            room -= _bytes(looked[-1])
        return looked, first.index.hash, []
    digest = hashlib.sha256(json.dumps(raw.classes).encode())
    left_out: list[str] = []
    if any(isinstance(part.images, Files) for part in parts):
        surveyed, left_out = look_through(parts, raw.classes, how, raw.ignore, room, digest.update)
    else:
        surveyed = [survey(part, how.resize, raw.ignore, digest.update) for part in parts]
    for part in surveyed:
        if part.groups:
            digest.update(json.dumps(part.groups).encode())
    return surveyed, digest.hexdigest(), left_out


def _divide(part: Surveyed, task: BoundTask, chosen: Chosen, seed: int) -> tuple[Surveyed, Surveyed, str]:
    """Training and validation images out of one part, both in its order."""
    count = len(part.labels)
    wanted = split_off(count, chosen.share)
    if chosen.fold and chosen.fold[1] > count:
        message = f"`validation` makes {counted(chosen.fold[1], 'fold')} of {counted(count, 'image')}"
        raise SpeccError("E409", message, help="make at most as many folds as there are images", status=1)
    if not 0 < wanted < count:
        message = f"`validation` would take {wanted:,} of {counted(count, 'image')}"
        raise SpeccError("E409", message, help="both sides need at least one image", status=1)
    strata, units = task.strata(part.labels, min(wanted, count - wanted)), units_of(part)
    taken = divide(strata, units, wanted, seed) if chosen.fold is None else fold(strata, units, *chosen.fold, seed)
    if not taken:
        several = "is in two groups" if part.groups else "has two different ones"
        message = f"none of {counted(count, 'image')} can be split off: no class {several}"
        raise SpeccError("E409", message, help="a class keeps at least one image to train on; give more", status=1)
    validating = set(taken)
    rest = [image for image in range(count) if image not in validating]
    words = f"{len(taken):,} of {counted(count, 'training image')}"
    if chosen.fold:
        words = "fold {} of {}: ".format(*chosen.fold) + words
    elif len(taken) != wanted:
        together = "copies and groups" if part.groups else "copies"
        each = "" if task.facts == REGRESSION else f"every {noun(task.facts)} has one, and "
        words += f" (not {wanted:,}: {each}{together} stay together)"
    words += f", drawn from data.seed {seed}"
    return *part.divide(tensor(rest), tensor(taken)), words


def _in_several_folds(part: Surveyed, task: BoundTask, folds: int) -> list[str]:
    """A note on classes of fewer different images than folds. part: all training images."""
    if not task.counts(part.labels):
        return []
    pairs = {(label, unit) for own, unit in zip(task.strata(part.labels), units_of(part), strict=True) for label in own}
    counts = Counter(label for label, _ in pairs)
    rare = [name for label, name in enumerate(task.outputs) if 1 < counts[label] < folds]
    return [f"fewer different images than folds, so that some validate in several folds: {few(rare)}"] if rare else []


def _split(part: Surveyed, how: Reading, name: str, scale: Scale | None) -> Split:
    """Images and what is learned of them. name: of the part of the source."""
    labels = learnable(part.labels, scale)
    if isinstance(part.images, Tensor):
        return Resident(part.images, labels, part.image_names(name))
    return Streamed(part.images, labels, how, part.shape)
