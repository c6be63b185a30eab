"""How much is tried: a sample of the large tables, another one each day, or with `SPECC_TESTS=all` every case."""

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

Case = TypeVar("Case")

ALL = os.environ.get("SPECC_TESTS") == "all"
# Set in the environment, so that all processes of a session draw the same.
SEED = os.environ.setdefault("SPECC_TESTS_SEED", str(datetime.now(UTC).toordinal()))
HEADER = (
    "every case (SPECC_TESTS=all)"
    if ALL
    else f"a sample of the large tables (SPECC_TESTS_SEED={SEED}); SPECC_TESTS=all tries every case"
)


def some(cases: Sequence[Case], count: int) -> list[Case]:
    """A sample of so many cases in their order, or all of them."""
    if ALL or count >= len(cases):
        return list(cases)
    draw = random.Random(f"{SEED} {len(cases)} {count}")  # noqa: S311 - a sample, no secret
    return [cases[index] for index in sorted(draw.sample(range(len(cases)), count))]


def times(count: int, thorough: int) -> int:
    """How often something random is tried: `SPECC_FUZZ` times, or `thorough` times where every case is tried."""
    return int(os.environ.get("SPECC_FUZZ", thorough if ALL else count))
