"""A loss: the squared error of the probabilities (Brier, 1950)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from specc.values import Args
from specc.vocabulary.family import Loss

if TYPE_CHECKING:
    from torch import Tensor


def squared(a: Args, classes: int) -> "Callable[[Tensor, Tensor], Tensor]":
    return lambda logits, shares: (logits.softmax(dim=1) - shares).square()


WORDS = (
    Loss(
        "squared",
        "The squared error of the probabilities (Brier, 1950).",
        example="squared",
        target="specc_plug.squared.squared",
    ),
)
