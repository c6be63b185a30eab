"""Regularizers: penalties on the kernels of convolutions and dense layers, added to the loss. Never biases or norms."""

from specc.values import Bound
from specc.vocabulary.family import Regularizer
from specc.vocabulary.kinds import NOT_NEGATIVE
from specc.vocabulary.param import Param
from specc.vocabulary.registry import component

COMPONENTS = (
    Regularizer(
        "l1",
        "Adds strength * sum |w| over every kernel to the loss: drives small weights to zero.",
        (Param("strength", NOT_NEGATIVE, doc="factor of the sum"),),
        strengths=lambda a: (a.strength, 0.0),
        example="l1(1e-5)",
    ),
    Regularizer(
        "l2",
        "Adds strength * sum w^2 over every kernel to the loss: keeps weights small. As in Keras; "
        "l2(1e-4) is as strong as weight_decay=2e-4 in PyTorch's SGD.",
        (Param("strength", NOT_NEGATIVE, doc="factor of the sum"),),
        strengths=lambda a: (0.0, a.strength),
        example="l2(1e-4)",
    ),
    Regularizer(
        "l1_l2",
        "Both penalties: l1 * sum |w| + l2 * sum w^2 (the elastic net of Zou and Hastie, 2005).",
        (Param("l1", NOT_NEGATIVE, doc="factor of sum |w|"), Param("l2", NOT_NEGATIVE, doc="factor of sum w^2")),
        strengths=lambda a: (a.l1, a.l2),
        example="l1_l2(1e-5, 1e-4)",
    ),
)


def strengths(regularizer: Bound | None) -> tuple[float, float]:
    """The factors of sum |w| and of sum w^2; (0, 0) for none."""
    if regularizer is None:
        return 0.0, 0.0
    return component(Regularizer, regularizer).strengths(regularizer.args)
