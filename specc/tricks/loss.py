"""Losses: what training makes small. Each takes logits and either class indices or soft targets (mixup, cutmix)."""

from specc.vocabulary.family import Loss
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Float, ListOf, Maybe, Symbols
from specc.vocabulary.param import Param

_WEIGHTS = Param("weights", Maybe(ListOf(POSITIVE)), None, "a weight for each class, in the order of the classes")
_REDUCTION = Param(
    "reduction",
    Symbols("mean", "sum"),
    "mean",
    "over the images of a batch; with `sum`, gradients grow with the batch. The reported loss is always the mean",
)

CROSS_ENTROPY = Loss(
    "cross_entropy",
    "Negative log of the softmax probability of the correct class, averaged with the class weights.",
    (
        Param("smoothing", Float(low=0, below=1), 0.0, "fraction of the target that is spread evenly over all classes"),
        _WEIGHTS,
        _REDUCTION,
    ),
    target="specc.backend.evaluation.losses.cross_entropy",
    example="cross_entropy(smoothing=0.1)",
)

COMPONENTS = (
    CROSS_ENTROPY,
    Loss(
        "focal",
        "Cross entropy times (1 - p)^gamma, so that images that are already classified well count less "
        "(Lin et al., 2017).",
        (Param("gamma", NOT_NEGATIVE, 2.0, "0 gives cross entropy"), _WEIGHTS, _REDUCTION),
        target="specc.backend.evaluation.losses.focal",
        example="focal(gamma=2)",
    ),
    Loss(
        "binary_cross_entropy",
        "Treats each class as a binary classification: the mean over the classes of the sigmoid cross entropy.",
        (_WEIGHTS, _REDUCTION),
        target="specc.backend.evaluation.losses.binary_cross_entropy",
        per_class=True,
        example="binary_cross_entropy",
    ),
)
