"""Published weights that fit a network of the zoo by names and shapes, but belong to a network that computes otherwise.

`lookalikes.json` is made by `benchmarks/pretrained.py`. Padding, eps and pooling without weights are not in a file, so
such a file is known by its SHA-256, or by the name under which it was published, in its path or address.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from specc.zoo.weights import Published, published

FOLDER = Path(__file__).parent
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")


class Lookalike(NamedTuple):
    """Weights of a network that is not in the zoo. model: of the zoo, whose names and shapes they have.

    name: as they are published. differs: what their network does that the model does not. sha256: what their SHA-256
    begins with; "" where that is not known.
    """

    name: str
    model: str
    differs: str
    sha256: str


Known = Published | Lookalike


@cache
def lookalikes() -> tuple[Lookalike, ...]:
    """All of them."""
    table = json.loads((FOLDER / "lookalikes.json").read_text("utf-8"))
    return tuple(Lookalike(name, **one) for name, one in table.items())


def known_weights(sha256: str, place: str) -> Known | None:
    """Whose weights a file holds, as far as that is known. place: its path, its address or the name of the weights."""
    parts = re.split(r"[/\\]|--", place)
    names = {*parts, *(part.removesuffix(suffix) for part in parts[-1:] for suffix in SUFFIXES)}
    every: tuple[Known, ...] = (*published().values(), *lookalikes())
    for one in every:
        if (one.sha256 and sha256.startswith(one.sha256)) or one.name.partition("/")[2] in names:
            return one
    return None
