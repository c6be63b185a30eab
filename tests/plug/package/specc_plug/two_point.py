"""An initializer: weights of one size, of either sign."""

import math
from typing import TYPE_CHECKING

from specc.values import Args
from specc.vocabulary.family import Initializer
from specc.vocabulary.weight import Fans

if TYPE_CHECKING:
    from torch import Generator, Tensor


def two_point(weight: "Tensor", fans: Fans, a: Args, generator: "Generator") -> None:
    weight.bernoulli_(0.5, generator=generator).mul_(2).sub_(1).mul_(math.sqrt(2 / fans.into))


WORDS = (
    Initializer(
        "two_point",
        "One of two values of opposite sign, variance 2 / fan-in.",
        example="conv(16, init=two_point)",
        target="specc_plug.two_point.two_point",
        variance=lambda fans, a: 2 / fans.into,
        made_for="rectifiers",
    ),
)
