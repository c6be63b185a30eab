"""Trained weights that were published for networks of the zoo: where they are, and what they were trained to see.

`weights.json` is made from the tables of torchvision and timm by `benchmarks/pretrained.py`; `classes.json` has the
names of the classes in their order.
"""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Published(NamedTuple):
    """A published set of weights.

    name: as in `pretrained("timm/resnet50.a1_in1k")`. model: of the zoo. library: whose names the tensors have.
    url: of the file. sha256: what its SHA-256 begins with; "" where nothing is published. license: of the weights, in
    words. classes: a key of `class_names`, or "". accuracy: top-1 on ImageNet as published, or mean IoU, in percent.
    resize, view: how the images were brought to size for that figure, as a spec writes it. mean, std: of the
    normalization, for pixels from 0 to 1.
    """

    name: str
    model: str
    library: str
    url: str
    sha256: str
    license: str
    classes: str
    accuracy: float | None
    resize: str
    view: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@cache
def published() -> dict[str, Published]:
    """All published sets of weights by name."""
    table = json.loads((FOLDER / "weights.json").read_text("utf-8"))
    return {
        name: Published(name, **(one | {"mean": tuple(one["mean"]), "std": tuple(one["std"])}))
        for name, one in table.items()
    }


def usual_classes(count: int) -> str:
    """The data set on which networks with so many classes are published: a key of `class_names`, or ""."""
    return {1000: "imagenet", 21: "voc"}.get(count, "")


@cache
def class_names(key: str) -> tuple[str, ...]:
    """The names of the classes of a published data set, such as "imagenet", in their order."""
    names: dict[str, list[str]] = json.loads((FOLDER / "classes.json").read_text("utf-8"))
    return tuple(names[key])
