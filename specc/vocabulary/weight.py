"""What a layer learns and what it keeps, declared: names, shapes, kinds, and how each tensor starts."""

import math
from typing import Literal, NamedTuple

from specc.values import Bound
from specc.vocabulary.shape import Shape

Kind = Literal["kernel", "bias", "norm", "other"]


class Fans(NamedTuple):
    """How a kernel connects inputs to outputs: what an initializer asks about it.

    into: how many products are summed into one output value. out: how many output values one input value enters (at
    stride 1). filters: how many there are in each group. axis: which dimension of the kernel counts the filters.
    """

    into: float
    out: float
    filters: int
    axis: int = 0

    def of(self, fan: str) -> float:
        """The fan that an argument names: `in`, `out`, or the `average` of both."""
        return {"in": self.into, "out": self.out, "average": (self.into + self.out) / 2}[fan]


class Drawn(NamedTuple):
    """The start of a weight that an initializer draws: the call of it, `he_normal`, and what it has to know."""

    init: Bound
    fans: Fans


class WeightSpec(NamedTuple):
    """A tensor that training changes.

    name: of the module's parameter. kind: a "kernel" multiplies what flows in and sums it up, which is what weight
    decay, `regularize` and `muon` are for; a "bias" is added to such sums; "norm" is a scale or a shift of a norm;
    "other" is everything else. start: the constant that it is filled with, or how it is drawn.
    """

    name: str
    shape: Shape
    kind: Kind
    start: float | Drawn

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


class Statistic(NamedTuple):
    """A tensor that a layer keeps and that no gradient changes, such as a running mean.

    name: of the module's buffer. start: the constant that it is filled with.
    """

    name: str
    shape: Shape
    start: float
