"""Which networks of the zoo are compared with their origins: by default the smallest of each family and library.

`SPECC_ZOO=all` takes all of them, `SPECC_ZOO=60` also those of at most 60 million parameters. Auxiliary classifiers
that need large images are not among the smallest.
"""

import os
from typing import NamedTuple

from specc.zoo import Family, families
from specc.zoo.figures import figures
from specc.zoo.naming import Naming
from tests.zoo.peers import LIBRARIES

LARGE_IMAGE = 128  # pixels a side


class Case(NamedTuple):
    """A network, the library that it is compared with, and the side of the images."""

    family: str
    model: str
    library: str
    naming: Naming
    size: int
    has_aux: bool

    def __str__(self) -> str:
        return f"{self.library}-{self.model}{'-aux' if self.has_aux else ''}"


def cases() -> list[Case]:
    """All comparisons, those with auxiliary classifiers among them."""
    return [
        Case(family.name, model, library, naming, sizes[model], has_aux)
        for family in families().values()
        for has_aux, sizes in ((False, dict.fromkeys(family.models, family.smallest)), (True, family.aux))
        for naming in family.namings
        for library in naming.libraries
        for model in naming.models
        if library in LIBRARIES and model in sizes
    ]


def most_parameters() -> float:
    """What `SPECC_ZOO` asks for."""
    wanted = os.environ.get("SPECC_ZOO", "0")
    return float("inf") if wanted == "all" else float(wanted) * 1e6


def chosen() -> list[Case]:
    """The comparisons that `SPECC_ZOO` asks for."""
    least: dict[tuple[str, str, bool], Case] = {}
    for case in sorted(cases(), key=lambda case: parameters(case.model)):
        if case.size <= LARGE_IMAGE:
            least.setdefault((case.family, case.library, case.has_aux), case)
    return [case for case in cases() if case in least.values() or parameters(case.model) <= most_parameters()]


def smallest(family: Family) -> str:
    """Its model with the fewest parameters."""
    return min(family.models, key=parameters)


def parameters(model: str) -> float:
    """Of a model; infinity where `benchmarks/zoo.py` has not counted them yet."""
    known = figures().get(model)
    return float("inf") if known is None else known.parameters
