"""Packing tiny data sets, and what must be equal before and after."""

from pathlib import Path
from typing import Any

import torch

from specc.backend.data.dataset import DataSet
from specc.backend.data.shards.pack import Packing, pack
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers.tiny_data import read

CPU = torch.device("cpu")
SMALL = 8_000  # bytes of a shard, so that a few images fill it


def packed(source: str, out: Path, settings: str = "", **how: Any) -> Packing:
    """Pack the data of a section `data` into `out`."""
    text = f"data {{ source = {source}; {settings} }}\nnetwork N {{ input(3, 8x8); flatten -> dense(10) }}"
    data = check(Source("net.cnn", text)).data
    assert data is not None
    return pack(data, out, **{"shard_size": SMALL, **how})


def assert_same(one: DataSet, other: DataSet) -> None:
    """Two data sets are the same, to the last pixel, label, and figure."""
    for name in ("classes", "shape", "mean", "std", "validated_on", "part", "train_counts", "train_images", "torn"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.task.facts == other.task.facts and one.task.scale == other.task.scale
    assert one.task.ignore == other.task.ignore and one.task.outputs == other.task.outputs
    splits = [(one.train, other.train), (one.validation, other.validation)]
    assert (one.test is None) == (other.test is None)
    if one.test and other.test and one.test.images and other.test.images:
        splits.append((one.test.images, other.test.images))
    for left, right in splits:
        index = torch.arange(len(left))
        assert left.labels.dtype == right.labels.dtype and torch.equal(left.labels, right.labels)
        assert torch.equal(left.gather(index, CPU), right.gather(index, CPU))


def shards_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tar"))


def problem(**how: Any) -> SpeccError:
    """The error that reading `packed("sh")` raises."""
    try:
        read('packed("sh")', **how)
    except SpeccError as error:
        return error
    raise AssertionError("nothing was refused")
