"""Losses: what training makes small. Each takes logits and either class indices or soft targets (mixup, cutmix)."""

from specc.vocabulary.family import Loss
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Float, ListOf, Maybe, Symbols
from specc.vocabulary.param import Param

_WEIGHTS = Param("weights", Maybe(ListOf(POSITIVE)), None, "a weight for each class, in the order of the classes")
_REDUCTION = Param(
    "reduction",
    Symbols("mean", "sum"),
    "mean",
    "over the images of a batch; `sum`: gradients grow with the batch. What is reported is the mean",
)

CROSS_ENTROPY = Loss(
    "cross_entropy",
    "Minus the log of the probability (softmax) given to the right class, as a mean weighted by the class.",
    (
        Param("smoothing", Float(low=0, below=1), 0.0, "share of the target spread evenly over all classes"),
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
        "Cross entropy times (1 - p)^gamma, so that images that are already right count less (Lin et al., 2017).",
        (Param("gamma", NOT_NEGATIVE, 2.0, "0 is cross entropy"), _WEIGHTS, _REDUCTION),
        target="specc.backend.evaluation.losses.focal",
        example="focal(gamma=2)",
    ),
    Loss(
        "binary_cross_entropy",
        "One yes-or-no question for each class: the mean over the classes of the cross entropy of a sigmoid.",
        (_WEIGHTS, _REDUCTION),
        target="specc.backend.evaluation.losses.binary_cross_entropy",
        per_class=True,
        example="binary_cross_entropy",
    ),
)
