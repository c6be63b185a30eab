"""A data set, ready to be trained on: from the section `data` of a spec to images, labels, classes and statistics."""

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch

from specc.backend import draws
from specc.backend.data.memory import free_memory
from specc.backend.data.places import Where
from specc.backend.data.raw import Files, Raw
from specc.backend.data.split import Resident, Split, Streamed
from specc.backend.data.survey import Surveyed, statistics, survey
from specc.errors import SpeccError
from specc.tricks import TRICKS
from specc.values import Args, Bound, Percent, Size

AUTOMATIC = Bound("split", Args(part=Percent(0.1)))


class DataSet(NamedTuple):
    """A data set.

    name: of the source. classes: their names, in the order of the labels. shape: C, H, W of every image.
    mean, std: of each channel over the training images, in units of the image from 0 to 1.
    hash: SHA-256 over the content of all images that are used, their labels and the classes: the same data has the same
        hash, wherever it lies and however it is split and resized.
    validated_on: in words, which images are the validation images.
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


def load(
    data: Args, *, data_dir: Path | None = None, seed: int = 0, base: Path = Path(), memory: int | None = None
) -> DataSet:
    """The data set that the checked section `data` describes.

    data_dir: looked into first. base: the folder of the spec. seed: of the draw of validation images.
    memory: bytes that decoded images may take, half of the free memory where it is None; image files that would take
        more are decoded as they are wanted.

    Raises SpeccError: E401 to E411, E405 and E406 for image files, E408 no test part, E409 nothing to train on or to
    validate on.
    """
    source: Bound = data.source
    asked: Bound | None = data.validation
    module, _, name = TRICKS["source"][source.name].target.rpartition(".")
    where = Where(data_dir, base, test=asked is not None and asked.name == "test")
    raw: Raw = getattr(import_module(module), name)(source.args, where)
    chosen = asked or (Bound("test", Args()) if raw.test else AUTOMATIC)
    if chosen.name == "test" and raw.test is None:
        help = "write `validation = split(10%)`, or leave `validation` out"
        raise SpeccError("E408", f"`{source.name}` has no test part to validate on", help=help, status=1)
    used = Raw(raw.classes, raw.train, raw.test if chosen.name == "test" else None)
    train, validation, content = _look(used, data.resize, free_memory() // 2 if memory is None else memory)
    words = f"the test part, {len(used.test.labels):,} images" if used.test else ""
    if validation is None:
        train, validation, words = _divide(train, chosen.args.part, seed)
    mean, std = statistics(train)
    learn, measure = (_split(part, data.resize) for part in (train, validation))
    return DataSet(source.name, raw.classes, train.shape, learn, measure, mean, std, content, words)


def _look(raw: Raw, size: Size | None, room: int) -> tuple[Surveyed, Surveyed | None, str]:
    """Both parts after the first look, and the hash of their content."""
    digest = hashlib.sha256(json.dumps(raw.classes).encode())
    train = survey(raw.train, size, room, digest.update)
    if raw.test is None:
        return train, None, digest.hexdigest()
    taken = 0 if isinstance(train.images, Files) else train.images.nbytes
    test = survey(raw.test, size, room - taken, digest.update)
    if test.shape != train.shape:
        found = " and ".join(" x ".join(map(str, part.shape)) for part in (train, test))
        help = "write `resize = HxW` in `data`: every image is then brought to one size"
        raise SpeccError("E406", f"training and test images differ in size: {found}", help=help, status=1)
    return train, test, digest.hexdigest()


def _divide(part: Surveyed, share: float, seed: int) -> tuple[Surveyed, Surveyed, str]:
    """Training and validation images out of one part, both in its order. The draw is a function of the seed alone."""
    count = len(part.labels)
    wanted = round(count * share) if isinstance(share, float) else share
    if not 0 < wanted < count:
        message = f"`validation` would take {wanted:,} of {count:,} images"
        raise SpeccError("E409", message, help="both sides need at least one image", status=1)
    order = torch.randperm(count, generator=draws.generator(seed, 0, draws.SPLIT))
    words = f"{wanted:,} of {count:,} training images, drawn from seed {seed}"
    return part.select(order[wanted:].sort().values), part.select(order[:wanted].sort().values), words


def _split(part: Surveyed, size: Size | None) -> Split:
    if isinstance(part.images, Files):
        return Streamed(part.images, part.labels, size, part.shape)
    return Resident(part.images, part.labels)
