"""What the networks of the zoo cost: `figures.json`, which `benchmarks/zoo.py` writes."""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_suffix(".json")


class Figures(NamedTuple):
    """parameters: learned numbers. macs: multiply-accumulates of one image of the model's own size."""

    parameters: int
    macs: int


@cache
def figures() -> dict[str, Figures]:
    """The figures of every model by its name."""
    table: dict[str, dict[str, int]] = json.loads(FILE.read_text("utf-8"))
    return {model: Figures(**one) for model, one in table.items()}
